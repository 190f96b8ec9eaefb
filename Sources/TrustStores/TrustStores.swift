public let placeholderTrustStores = 0
