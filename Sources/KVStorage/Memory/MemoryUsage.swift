import Synchronization

/// How much a memory store holds, over all its shards.
final class MemoryUsage: Sendable {
    /// Whether there is a limit; without one nothing is counted.
    let isCounting: Bool
    private let items = Atomic(0)
    private let bytes = Atomic(0)
    private let turn = Atomic(0)

    init(isCounting: Bool) {
        self.isCounting = isCounting
    }

    @inline(__always)
    func add(items: Int, bytes: Int) {
        guard self.isCounting else { return }
        if items != 0 { self.items.wrappingAdd(items, ordering: .relaxed) }
        if bytes != 0 { self.bytes.wrappingAdd(bytes, ordering: .relaxed) }
    }

    func exceeds(items: Int, bytes: Int) -> Bool {
        self.items.load(ordering: .relaxed) > items || self.bytes.load(ordering: .relaxed) > bytes
    }

    /// Returns a number that grows by one each time.
    func nextTurn() -> Int {
        self.turn.wrappingAdd(1, ordering: .relaxed).oldValue & 0xFFFF
    }
}
