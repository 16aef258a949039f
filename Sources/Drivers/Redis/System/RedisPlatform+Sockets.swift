#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// Sockets, and the addresses that they are connected to.
extension RedisPlatform {
    /// Where a connection can be made to, as `connect` wants it.
    struct SocketAddress: Sendable, Hashable {
        var family: Int32
        var bytes: [UInt8]
    }

    enum Transfer {
        case count(Int)
        case wouldBlock
        case closed
        case failed(Int32)
    }

    /// Begins to connect without waiting for it: a descriptor, or the number of the error.
    static func beginConnecting(to address: SocketAddress) -> Result<Int32, RedisSystemError> {
        // Where the system can, from the beginning: a process that is started in between would inherit the socket.
        #if canImport(Glibc)
        let stream = Int32(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        #elseif os(Linux) || os(Android)
        let stream = Int32(SOCK_STREAM) | Int32(SOCK_CLOEXEC) | Int32(SOCK_NONBLOCK)
        #else
        let stream = Int32(SOCK_STREAM)
        #endif
        let descriptor = socket(address.family, stream, 0)
        guard descriptor >= 0 else { return .failure(RedisSystemError(errno)) }
        self.prepare(descriptor)
        if address.family != AF_UNIX { self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let code = address.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                systemConnect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            } ?? -1
        }
        guard code != 0, errno != EINPROGRESS else { return .success(descriptor) }
        let error = RedisSystemError(errno)
        self.close(descriptor)
        return .failure(error)
    }

    /// What became of an attempt to connect, once the socket can be written to; `nil` if it succeeded.
    static func connectError(_ descriptor: Int32) -> RedisSystemError? {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return RedisSystemError(errno) }
        return code == 0 ? nil : RedisSystemError(code)
    }

    /// Has the system find out by itself that the other end is gone: after so much silence, or that long without a
    /// confirmation of what was sent.
    static func keepAlive(_ descriptor: Int32, after idle: Duration) {
        let seconds = Int32(clamping: max(1, idle.components.seconds))
        self.setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        #if canImport(Darwin)
        self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPALIVE, seconds)
        #else
        self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, seconds)
        self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: Int(seconds) * 1000))
        #endif
        self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, seconds / 4))
        self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 4)
    }

    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        self.transfer { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }

    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Transfer {
        #if canImport(Darwin)
        let flags: Int32 = 0  // SO_NOSIGPIPE is set.
        #else
        let flags = Int32(MSG_NOSIGNAL)
        #endif
        return self.transfer { send(descriptor, bytes.baseAddress, bytes.count, flags) }
    }

    static func close(_ descriptor: Int32) {
        systemClose(descriptor)
    }

    private static func transfer(_ body: () -> Int) -> Transfer {
        while true {
            let count = body()
            if count > 0 { return .count(count) }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return .wouldBlock
            case let code: return .failed(code)
            }
        }
    }

    static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
        self.setOption(descriptor, SOL_SOCKET, SO_NOSIGPIPE, 1)
        #endif
    }

    private static func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        // An option that can't be set is one that does no good here, such as those of TCP on another kind of socket.
        var value = value
        _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: - Names

    /// Returns the address of a unix socket, or `nil` if the path is too long for one.
    static func address(ofPath path: String) -> SocketAddress? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShortEnough = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: path.utf8)
            return true
        }
        guard isShortEnough else { return nil }
        return withUnsafeBytes(of: &address) { SocketAddress(family: AF_UNIX, bytes: Array($0)) }
    }

    /// Looks the host up and blocks the thread for that, unless it is to take addresses in digits only.
    static func addresses(
        ofHost host: String,
        port: Int,
        digitsOnly: Bool
    ) -> Result<[SocketAddress], RedisSystemError> {
        var hints = addrinfo()
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = Int32(SOCK_STREAM)
        #endif
        hints.ai_flags = AI_NUMERICSERV | (digitsOnly ? AI_NUMERICHOST : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            return .failure(RedisSystemError(number: code, message: String(cString: gai_strerror(code))))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = entry.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
                addresses.append(SocketAddress(family: entry.ai_family, bytes: Array(bytes)))
            }
            next = entry.ai_next
        }
        return .success(addresses)
    }
}

// Inside of RedisPlatform the names below are those of its own functions.

private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ count: socklen_t) -> Int32 {
    connect(descriptor, address, count)
}

private func systemClose(_ descriptor: Int32) {
    close(descriptor)
}
