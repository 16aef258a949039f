/// A connected stream of bytes that never blocks; plain or encrypted. Not for more than one thread.
protocol Transport: AnyObject {
    var descriptor: Int32 { get }
    /// The socket, if bytes may be written to it past the transport, also by another thread.
    var socket: Socket? { get }
    /// Whether it has read more than it has given out, so that the socket need not become ready for more.
    var holdsInput: Bool { get }
    /// Whether it has taken bytes that it still has to send, by ``flush()``.
    var holdsOutput: Bool { get }

    /// What an end of the connection before the first answer may mean, if it may mean something of its own.
    var refusal: String? { get }

    /// Goes on with what has to be done before bytes can be exchanged.
    func open() -> Opening
    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisPlatform.Transfer
    func write(_ bytes: UnsafeRawBufferPointer) -> RedisPlatform.Transfer
    func flush() -> RedisPlatform.Transfer
}

extension Transport {
    var refusal: String? { nil }
}

/// How far the opening of a transport has come.
enum Opening {
    case done
    /// It goes on when the socket is ready for that.
    case wants(reading: Bool, writing: Bool)
    case failed(RedisSystemError)
    /// We want nothing to do with the server, for a reason that another attempt would meet again.
    case rejected(String)

    var isDone: Bool {
        if case .done = self { true } else { false }
    }
}

/// A socket's descriptor, which stays open for as long as anybody holds on to it, so that nobody writes to another's.
final class Socket: Sendable {
    let descriptor: Int32

    /// Takes over a descriptor.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        RedisPlatform.close(self.descriptor)
    }

    /// Writes what goes without waiting and returns how much that is; what is wrong with the socket its reader will see.
    func write(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count,
                case .count(let count) = RedisPlatform.write(
                    self.descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]))
            {
                written += count
            }
            return written
        }
    }
}

/// Bytes as they are, over TCP or a unix socket.
final class PlainTransport: Transport {
    let socket: Socket?
    let descriptor: Int32
    let holdsInput = false
    let holdsOutput = false
    private var isConnected = false

    /// Takes over a socket that is being connected.
    init(connecting descriptor: Int32) {
        self.descriptor = descriptor
        self.socket = Socket(descriptor)
    }

    func open() -> Opening {
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
