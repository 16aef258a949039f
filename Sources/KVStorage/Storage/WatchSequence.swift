/// The changes that a watcher hears of; see ``Storage/watch(_:bufferSize:)``.
struct WatchSequence: AsyncSequence, Sendable {
    fileprivate let subscription: Subscription

    init(_ watcher: Watcher, _ core: StorageCore) {
        self.subscription = Subscription(watcher: watcher, core: core)
    }

    func makeAsyncIterator() -> Iterator { Iterator(subscription: self.subscription) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let subscription: Subscription

        mutating func next() async -> StorageEvent? {
            let watcher = self.subscription.watcher
            return await withTaskCancellationHandler {
                // What is buffered is not for who has been cancelled.
                Task.isCancelled ? nil : await watcher.next()
            } onCancel: {
                watcher.finish()
            }
        }

        mutating func next(isolation actor: isolated (any Actor)?) async -> StorageEvent? {
            await self.next()
        }
    }

    /// Ends the watching when the sequence and its iterators are let go.
    fileprivate final class Subscription: Sendable {
        let watcher: Watcher
        private let core: StorageCore

        init(watcher: Watcher, core: StorageCore) {
            self.watcher = watcher
            self.core = core
        }

        deinit {
            self.core.remove(ObjectIdentifier(self.watcher))
            self.watcher.finish()
        }
    }
}
