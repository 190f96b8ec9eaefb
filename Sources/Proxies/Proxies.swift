public let placeholderProxies = 0
