import KVStorage

/// A stranger's encryption in ten lines: no secret, but other bytes each time, bound to the key.
enum ToyCipher {
    static func seal(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let nonce = UInt8.random(in: 1...255)
        return [nonce, self.sum(key)] + value.map { $0 ^ nonce }
    }

    static func open(_ key: String, _ bytes: [UInt8]) throws -> [UInt8] {
        struct NotSealed: Error {}
        guard bytes.count >= 2, bytes[1] == self.sum(key) else { throw NotSealed() }
        return bytes.dropFirst(2).map { $0 ^ bytes[0] }
    }

    private static func sum(_ key: String) -> UInt8 { key.utf8.reduce(0x5A, &+) }
}

extension StorageDriver {
    /// The driver with its values encrypted.
    func encrypted() -> TransformedDriver {
        self.transformed(overhead: 2, encode: ToyCipher.seal, decode: ToyCipher.open)
    }
}
