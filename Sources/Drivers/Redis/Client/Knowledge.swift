import Synchronization

/// What a driver has found out about its servers and what they hold.
final class Knowledge: Sendable {
    private let metadata = Atomic(false)
    private let comparing = Atomic(true)
    private let comparingRemoval = Atomic(true)

    /// Whether any item was found to have metadata.
    var hasMetadata: Bool { self.metadata.load(ordering: .relaxed) }

    func noteMetadata() {
        guard !self.hasMetadata else { return }
        self.metadata.store(true, ordering: .relaxed)
    }

    /// Whether the servers may know `SET … IFEQ` (Valkey 8.1, Redis 8.4): so until one has refused it.
    var mayCompare: Bool { self.comparing.load(ordering: .relaxed) }

    func noteComparingUnknown() {
        self.comparing.store(false, ordering: .relaxed)
    }

    /// Whether the servers may know `DELIFEQ` (Valkey 9): so until one has refused it.
    var mayCompareRemoving: Bool { self.comparingRemoval.load(ordering: .relaxed) }

    func noteComparingRemovalUnknown() {
        self.comparingRemoval.store(false, ordering: .relaxed)
    }

    // MARK: - Sizes

    private let bytesPerItem = Atomic(Knowledge.readBytes / 128)

    /// How many bytes one answer is to have about.
    static let readBytes = 8 << 20

    /// How many items to ask for at once.
    var itemsPerRead: Int {
        max(1, min(Self.readBytes / max(1, self.bytesPerItem.load(ordering: .relaxed)), 1024))
    }

    /// Notes how much some items were. That they are large is believed at once, that they are small little by little.
    func noteRead(items: Int, bytes: Int) {
        guard items > 0 else { return }
        let known = self.bytesPerItem.load(ordering: .relaxed)
        self.bytesPerItem.store(max(bytes / items, known / 4), ordering: .relaxed)
    }
}
