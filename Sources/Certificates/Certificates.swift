public let placeholderCertificates = 0
