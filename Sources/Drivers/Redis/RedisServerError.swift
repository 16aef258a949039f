/// What a server refused a command with; `StorageError.underlying` of the errors that ``RedisDriver`` throws for it.
public struct RedisServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error's first word, such as `WRONGTYPE`.
    public var code: String {
        String(self.description.prefix { $0 != " " })
    }

    /// The server's words, without the arguments that some servers repeat.
    public let description: String

    init(_ text: some Sequence<UInt8>) {
        let text = String(decoding: Array(text), as: UTF8.self)
        // "ERR unknown command 'x', with args beginning with: …" would put values and secrets into logs.
        self.description =
            text.split(separator: ", with args beginning with", maxSplits: 1).first.map(String.init) ?? text
    }
}
