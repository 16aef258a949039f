import Dispatch
import KVStorage

extension Writer {
    typealias Queue = GroupCommitQueue<WriteOperation, WriteOperation.Answer>

    /// Creates the queue: with flushes on the driver's thread, without them on the caller's.
    func makeQueue(on thread: DispatchQueue, flushes: Bool) -> Queue {
        if flushes { return Queue(on: thread) { self.commit($0) } }
        return Queue(inPlace: { operations in
            if let outcomes = self.commitUnlessBlocking(operations) { return outcomes }
            // What blocks, a checkpoint or another process, holds no thread of the cooperative pool.
            return await withCheckedContinuation { continuation in
                thread.async { continuation.resume(returning: self.commit(operations)) }
            }
        })
    }
}
