/// What a server refused a command with; `StorageError.underlying` of the errors that ``RedisDriver`` throws for it.
public struct RedisServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error's first word, such as `WRONGTYPE`.
    public var code: String {
        String(self.description.prefix { $0 != " " })
    }

    /// The server's words, without the arguments that some servers repeat.
    public let description: String

    init(_ text: some Sequence<UInt8>) {
        let text = Self.unwrapped(String(decoding: Array(text), as: UTF8.self))
        // "ERR unknown command 'x', with args beginning with: …" would put values and secrets into logs.
        self.description =
            text.split(separator: ", with args beginning with", maxSplits: 1).first.map(String.init) ?? text
    }

    /// Returns what a command in a script was refused with. Versions before 7 put that behind words of their own: "ERR Error
    /// running script (call to f_…): @user_script:1: @user_script: 1: -OOM command not allowed …".
    private static func unwrapped(_ text: String) -> String {
        guard text.hasPrefix("ERR Error running script") else { return text }
        let parts = text.split(separator: ": ", omittingEmptySubsequences: false)
        for index in parts.indices.dropFirst() {
            let part = parts[index].hasPrefix("-") ? parts[index].dropFirst() : parts[index]
            let code = part.utf8.prefix { $0 != UInt8(ascii: " ") }
            guard code.count > 1, code.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) else {
                continue
            }
            return ([part] + parts[(index + 1)...]).joined(separator: ": ")
        }
        return text
    }
}
