import Synchronization

/// Where the tasks of this process queue that keep changing the same item under one another.
///
/// A compare-and-swap that is simply repeated starves whoever is slow, and 64 tasks repeat each other's work. So once one
/// has met another's write it takes its turn, and while anybody has a turn newcomers queue for theirs too. Nobody who
/// meets nobody takes part in any of it.
final class SwapQueues: Sendable {
    /// The turns of all items with one remainder of their hash.
    final class Stripe: Sendable {
        let lock = AsyncLock()
    }

    private let stripes = (0..<64).map { _ in Stripe() }
    // How many have or wait for a turn. While it is 0, which it is nearly always, nobody has to look for a stripe.
    private let count = Atomic(0)

    /// The stripe of an item.
    func stripe(of key: String, in mount: MountPoint) -> Stripe { self.stripes[self.index(of: key, in: mount)] }

    /// The stripe's number; who takes several stripes takes them in the order of their numbers.
    func index(of key: String, in mount: MountPoint) -> Int {
        var hasher = Hasher()
        hasher.combine(mount.id)
        withKeyBytes(key) { hasher.combine(bytes: $0) }
        return hasher.finalize() & 63
    }

    /// The stripe of that number.
    func stripe(_ index: Int) -> Stripe { self.stripes[index] }

    var isBusy: Bool { self.count.load(ordering: .relaxed) > 0 }

    func enter(_ stripe: Stripe, within limit: Duration) async throws(StorageError) {
        self.count.add(1, ordering: .relaxed)
        do {
            try await stripe.lock.acquire(within: limit)
        } catch {
            self.count.subtract(1, ordering: .relaxed)
            throw error
        }
    }

    func leave(_ stripe: Stripe) {
        stripe.lock.release()
        self.count.subtract(1, ordering: .relaxed)
    }
}
