import Synchronization

/// Looks up a host's addresses on a thread of its own, as the system's call may block for longer than anybody waits.
final class Resolution: Sendable {
    typealias Outcome = Result<[RedisPlatform.SocketAddress], RedisSystemError>

    private let result = Mutex<Outcome?>(nil)

    /// The outcome, once there is one.
    var outcome: Outcome? { self.result.withLock { $0 } }

    /// Starts to look, and signals the wakeup when that is over. Addresses in digits and paths need no looking.
    ///
    /// - Parameter lookUp: Finds the addresses of a host's name and a port, and may block.
    init(
        _ endpoint: Endpoint,
        wakeup: Wakeup,
        lookUp: @escaping @Sendable (_ host: String, _ port: Int) -> Outcome
    ) {
        switch endpoint {
        case .path(let path):
            let tooLong = RedisSystemError(number: 0, message: "the path is too long for a unix socket")
            let address = RedisPlatform.address(ofPath: path)
            self.result.withLock { $0 = address.map { .success([$0]) } ?? .failure(tooLong) }
        case .host(let host, let port):
            if case .success(let addresses) = RedisPlatform.addresses(ofHost: host, port: port, digitsOnly: true) {
                self.result.withLock { $0 = .success(addresses) }
                return
            }
            let isStarted = RedisPlatform.startThread {
                let outcome = lookUp(host, port)
                self.result.withLock { $0 = outcome }
                wakeup.signal()
            }
            guard isStarted else {
                self.result.withLock { $0 = .failure(RedisSystemError(number: 0, message: "no thread to look it up")) }
                return
            }
        }
    }
}

/// Where a server listens.
enum Endpoint: Sendable, Hashable, CustomStringConvertible {
    case host(String, port: Int)
    case path(String)

    var description: String {
        switch self {
        case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .path(let path): path
        }
    }
}
