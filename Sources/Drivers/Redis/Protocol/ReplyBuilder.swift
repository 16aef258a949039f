internal import CKVStorageHiredis

/// Puts replies together from what hiredis's parser tells, without a tree of C objects in between.
///
/// Not for more than one thread.
final class ReplyBuilder {
    private struct Frame {
        var missing: Int
        var elements: [Reply]
    }

    /// The arrays that are not complete yet, the outermost first.
    private var frames: [Frame] = []
    /// The replies that are complete.
    private var finished: [Reply] = []

    /// Appends the replies that were completed.
    func move(to replies: inout [Reply]) {
        if replies.isEmpty {
            swap(&replies, &self.finished)
        } else {
            replies += self.finished
            self.finished.removeAll(keepingCapacity: true)
        }
    }

    func add(_ reply: Reply) {
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
        var elements: [Reply] = []
        // The count is the server's word; memory is only taken for what comes.
        elements.reserveCapacity(min(count, 4096))
        self.frames.append(Frame(missing: count, elements: elements))
    }

    /// The callbacks; each is given the builder as its context, which ``ReplyReader`` keeps alive.
    static func handler(for builder: ReplyBuilder) -> ckv_reply_handler {
        ckv_reply_handler(
            context: Unmanaged.passUnretained(builder).toOpaque(),
            on_string: { ReplyBuilder.from($0)?.add(.bytes(Array(ReplyBuilder.buffer($1, $2)))) },
            on_status: { context, bytes, count in
                let text = ReplyBuilder.buffer(bytes, count)
                ReplyBuilder.from(context)?.add(ReplyBuilder.status(text))
            },
            on_error: { ReplyBuilder.from($0)?.add(.error(RedisServerError(ReplyBuilder.buffer($1, $2)))) },
            on_integer: { ReplyBuilder.from($0)?.add(.integer($1)) },
            on_null: { ReplyBuilder.from($0)?.add(.null) },
            on_array: { ReplyBuilder.from($0)?.beginArray($1) },
            refusal: nil
        )
    }

    /// The statuses that come often cost no memory.
    private static func status(_ text: UnsafeRawBufferPointer) -> Reply {
        if text.elementsEqual("OK".utf8) { return .ok }
        return .status(Array(text))
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> ReplyBuilder? {
        context.map { Unmanaged<ReplyBuilder>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func buffer(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes, count: count)
    }
}
