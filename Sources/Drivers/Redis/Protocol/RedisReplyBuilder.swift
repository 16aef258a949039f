internal import CKVStorageHiredis

/// Puts replies together from what hiredis's parser tells, without a tree of C objects in between.
///
/// Not for more than one thread.
final class RedisReplyBuilder {
    private struct Frame {
        var missing: Int
        var elements: [RedisReply]
    }

    /// The arrays that are not complete yet, the outermost first.
    private var frames: [Frame] = []
    /// The replies that are complete.
    private var finished: [RedisReply] = []

    /// Appends the replies that were completed.
    func move(to replies: inout [RedisReply]) {
        if replies.isEmpty {
            swap(&replies, &self.finished)
        } else {
            replies += self.finished
            self.finished.removeAll(keepingCapacity: true)
        }
    }

    func add(_ reply: RedisReply) {
        var reply = reply
        while let last = self.frames.indices.last {
            self.frames[last].elements.append(reply)
            self.frames[last].missing -= 1
            if self.frames[last].missing > 0 { return }
            reply = .array(self.frames.removeLast().elements)
        }
        self.finished.append(reply)
    }

    func beginArray(_ count: Int) {
        guard count > 0 else { return self.add(.array([])) }
        var elements: [RedisReply] = []
        // The count is the server's word; memory is only taken for what comes.
        elements.reserveCapacity(min(count, 4096))
        self.frames.append(Frame(missing: count, elements: elements))
    }

    /// The callbacks; each is given the builder as its context, which ``RedisReplyReader`` keeps alive.
    static func handler(for builder: RedisReplyBuilder) -> ckv_reply_handler {
        ckv_reply_handler(
            context: Unmanaged.passUnretained(builder).toOpaque(),
            on_string: { RedisReplyBuilder.from($0)?.add(.bytes(Array(RedisReplyBuilder.buffer($1, $2)))) },
            on_status: { context, bytes, count in
                let text = RedisReplyBuilder.buffer(bytes, count)
                RedisReplyBuilder.from(context)?.add(RedisReplyBuilder.status(text))
            },
            on_error: { RedisReplyBuilder.from($0)?.add(.error(RedisServerError(RedisReplyBuilder.buffer($1, $2)))) },
            on_integer: { RedisReplyBuilder.from($0)?.add(.integer($1)) },
            on_null: { RedisReplyBuilder.from($0)?.add(.null) },
            on_array: { RedisReplyBuilder.from($0)?.beginArray($1) },
            refusal: nil
        )
    }

    /// The statuses that come often cost no memory.
    private static func status(_ text: UnsafeRawBufferPointer) -> RedisReply {
        if text.elementsEqual("OK".utf8) { return .ok }
        if text.elementsEqual("QUEUED".utf8) { return .queued }
        return .status(Array(text))
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> RedisReplyBuilder? {
        context.map { Unmanaged<RedisReplyBuilder>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func buffer(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes, count: count)
    }
}
