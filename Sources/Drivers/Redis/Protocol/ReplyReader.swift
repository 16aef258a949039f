internal import CKVStorageHiredis

/// The bytes that came are not what a Redis server sends.
struct ProtocolError: Error {
    let message: String
}

/// Parses a stream of replies by hiredis's `redisReader`. Not for more than one thread.
struct ReplyReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    /// Where the callbacks stand; the parser keeps the pointer for as long as it lives.
    private let handler: UnsafeMutablePointer<ckv_reply_handler>
    private let builder: ReplyBuilder

    /// How much the parser is given at once. It moves what is left of its buffer to the front after each kilobyte that
    /// it has parsed, so a large buffer of small replies would be moved many times.
    private static let feedBytes = 16 * 1024

    /// Returns `nil` if memory is short.
    init?() {
        let builder = ReplyBuilder()
        let handler = UnsafeMutablePointer<ckv_reply_handler>.allocate(capacity: 1)
        handler.initialize(to: ReplyBuilder.handler(for: builder))
        guard let reader = ckv_reader_create(handler) else {
            handler.deallocate()
            return nil
        }
        // The parser would let go of a buffer of more than 16 KiB whenever it is empty, and take it again.
        reader.pointee.maxbuf = 1 << 20
        self.builder = builder
        self.handler = handler
        self.reader = reader
    }

    deinit {
        redisReaderFree(self.reader)
        self.handler.deallocate()
    }

    /// Appends the replies that the bytes complete.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer,
        into replies: inout [Reply]
    ) throws(ProtocolError) {
        defer { self.builder.move(to: &replies) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.feedBytes))
            rest = rest.dropFirst(part.count)
            let start = part.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard redisReaderFeed(self.reader, start, part.count) == REDIS_OK else { throw self.error }
            var status: Int32 = 1
            while status == 1 { status = ckv_reader_next(self.reader) }
            if status < 0 { throw self.error }
        }
    }

    private var error: ProtocolError {
        ProtocolError(message: String(cString: ckv_reader_error(self.reader)))
    }
}
