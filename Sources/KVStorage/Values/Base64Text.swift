/// How unstorage keeps bytes in text: `base64:` and their base64.
enum Base64Text {
    private static let prefix = Array("base64:".utf8)

    /// Returns the decoded bytes, or the bytes themselves if they do not begin so.
    static func decode(_ bytes: [UInt8], key: String) throws(StorageError) -> [UInt8] {
        guard bytes.starts(with: self.prefix) else { return bytes }
        guard let decoded = Base64.decode(bytes.dropFirst(self.prefix.count)) else {
            throw StorageError(
                .decoding,
                "the item begins with \"base64:\" but what follows is not base64; read it without decodingBase64Prefix",
                key: key
            )
        }
        return decoded
    }
}
