public let placeholderLinux = 0
