import Foundation
import Synchronization

@testable import KVStorageRedis

/// Speaks the protocol and answers each command with what the test says, for what a real server seldom does.
final class ScriptedServer: Sendable {
    /// Returns the reply to a command as it goes over the line, given the number of the connection from 1 on.
    typealias Script = @Sendable (_ words: [String], _ connection: Int) -> String

    let port: Int
    private let listener: Int32
    private let state = Mutex<(sockets: [Int32], accepted: Int)>(([], 0))

    var url: String { "redis://127.0.0.1:\(self.port)" }

    /// How many connections there were.
    var accepted: Int { self.state.withLock { $0.accepted } }

    init(_ script: @escaping Script) throws {
        (self.listener, self.port) = try LoopbackSocket.listen()
        let listener = self.listener
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else { return _ = close(client) }
                let number = self.state.withLock { state in
                    state.sockets.append(client)
                    state.accepted += 1
                    return state.accepted
                }
                Thread.detachNewThread { Self.serve(client, number, script) }
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        for socket in self.state.withLock({ $0.sockets }) { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private static func serve(_ client: Int32, _ number: Int, _ script: Script) {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            received += buffer[..<count]
            var reply = ""
            while let words = self.takeCommand(&received) { reply += script(words, number) }
            let bytes = Array(reply.utf8)
            guard bytes.isEmpty || send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { break }
        }
        shutdown(client, Int32(SHUT_RDWR))
    }

    /// Takes one command from the front, if it is there in full.
    private static func takeCommand(_ bytes: inout [UInt8]) -> [String]? {
        var rest = bytes[...]
        func number() -> Int? {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return Int(String(decoding: rest[rest.startIndex + 1..<end - 1], as: UTF8.self))
        }
        guard !rest.isEmpty, let count = number() else { return nil }
        var words: [String] = []
        for _ in 0..<count {
            guard let length = number(), rest.count >= length + 2 else { return nil }
            words.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length + 2)
        }
        bytes = Array(rest)
        return words
    }
}
