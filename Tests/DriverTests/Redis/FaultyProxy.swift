import Foundation
import Synchronization

@testable import KVStorageRedis

/// Stands between a client and a server and does harm to what passes.
final class FaultyProxy: Sendable {
    /// What becomes of the bytes that come from the server.
    enum Fault: Sendable {
        case none
        /// The connection ends after so many bytes.
        case cut(after: Int)
        /// Every byte goes by itself.
        case dribble
        /// After so many bytes nonsense comes instead of the server's.
        case corrupt(after: Int)
    }

    let port: Int
    private let listener: Int32
    private let serverPort: Mutex<Int>
    private let state: Mutex<(faults: [Fault], sockets: [Int32], accepted: Int)>

    /// Uses one fault for each connection, in turn; later ones have none.
    init(to serverPort: Int, _ faults: [Fault]) throws {
        (self.listener, self.port) = try LoopbackSocket.listen()
        self.serverPort = Mutex(serverPort)
        self.state = Mutex((faults.reversed(), [], 0))
        let listener = self.listener
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else { return _ = close(client) }
                self.serve(client)
            }
        }
    }

    deinit {
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
        for socket in self.state.withLock({ $0.sockets }) { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    var url: String { "redis://127.0.0.1:\(self.port)" }

    /// How many connections there were.
    var accepted: Int { self.state.withLock { $0.accepted } }

    /// Has later connections go to another server, as a name or a load balancer does after a failover.
    func move(to serverPort: Int) {
        self.serverPort.withLock { $0 = serverPort }
    }

    private func serve(_ client: Int32) {
        guard let server = try? LoopbackSocket.connect(port: self.serverPort.withLock { $0 }) else {
            close(client)
            return
        }
        let fault = self.state.withLock { state in
            state.sockets += [client, server]
            state.accepted += 1
            return state.faults.popLast() ?? .none
        }
        Thread.detachNewThread { Self.copy(from: client, to: server, .none) }
        Thread.detachNewThread { Self.copy(from: server, to: client, fault) }
    }

    private static func copy(from source: Int32, to target: Int32, _ fault: Fault) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        var passed = 0
        copying: while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            var bytes = Array(buffer[..<count])
            switch fault {
            case .none:
                break
            case .cut(let limit):
                bytes = Array(bytes.prefix(limit - passed))
            case .dribble:
                for byte in bytes where !self.write([byte], to: target) { break copying }
                continue
            case .corrupt(let limit):
                bytes = Array(bytes.prefix(max(0, limit - passed)))
                if bytes.count < count { bytes += Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8) }
            }
            passed += bytes.count
            guard self.write(bytes, to: target) else { break }
            if case .cut(let limit) = fault, passed >= limit { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_RDWR))
    }

    private static func write(_ bytes: [UInt8], to target: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
