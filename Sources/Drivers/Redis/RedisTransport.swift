/// A connected stream of bytes that never blocks; plain or encrypted. Not for more than one thread.
protocol RedisTransport: AnyObject {
    var descriptor: Int32 { get }
    /// Whether it has read more than it has given out, so that the socket need not become ready for more.
    var holdsInput: Bool { get }
    /// Whether it has taken bytes that it still has to send, by ``flush()``.
    var holdsOutput: Bool { get }

    /// Goes on with what has to be done before bytes can be exchanged.
    func open() -> RedisOpening
    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisPlatform.Transfer
    func write(_ bytes: UnsafeRawBufferPointer) -> RedisPlatform.Transfer
    func flush() -> RedisPlatform.Transfer
}

/// How far the opening of a transport has come.
enum RedisOpening {
    case done
    /// It goes on when the socket is ready for that.
    case wants(reading: Bool, writing: Bool)
    case failed(RedisSystemError)
}

/// Bytes as they are, over TCP or a unix socket.
final class RedisPlainTransport: RedisTransport {
    let descriptor: Int32
    let holdsInput = false
    let holdsOutput = false
    private var isConnected = false

    /// Takes over a socket that is being connected.
    init(connecting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        RedisPlatform.close(self.descriptor)
    }

    func open() -> RedisOpening {
        if self.isConnected { return .done }
        guard RedisPlatform.isWritable(self.descriptor) else { return .wants(reading: false, writing: true) }
        if let error = RedisPlatform.connectError(self.descriptor) { return .failed(error) }
        self.isConnected = true
        return .done
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisPlatform.Transfer {
        RedisPlatform.read(self.descriptor, into: buffer)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> RedisPlatform.Transfer {
        RedisPlatform.write(self.descriptor, bytes)
    }

    func flush() -> RedisPlatform.Transfer { .count(0) }
}
