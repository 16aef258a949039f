import Foundation

/// A file that holds a secret and that nobody but its owner may read.
struct SecretFile {
    let path: String

    /// 256 random bits as 64 hexadecimal digits.
    static func makeSecret() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Returns the secret of the file, which is made if there is none.
    func readOrCreate() throws -> String {
        // Created by one call that gives it its mode and fails if it exists: it is never readable to others, and of two
        // processes that start at once one makes it.
        let descriptor = open(self.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            let secret = try String(contentsOfFile: self.path, encoding: .utf8)
            return secret.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let secret = Self.makeSecret()
        try file.write(contentsOf: Data("\(secret)\n".utf8))
        try file.close()
        return secret
    }
}
