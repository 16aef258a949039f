/// Some of a cluster's slots.
struct SlotSet: Sendable, Hashable {
    private var words = [UInt64](repeating: 0, count: Slot.count / 64)

    init() {}

    init(_ slots: some Sequence<Int>) {
        for slot in slots { self.insert(slot) }
    }

    var isEmpty: Bool { self.words.allSatisfy { $0 == 0 } }

    func contains(_ slot: Int) -> Bool {
        (0..<Slot.count).contains(slot) && self.words[slot / 64] & 1 << UInt64(slot % 64) != 0
    }

    mutating func insert(_ slot: Int) {
        guard (0..<Slot.count).contains(slot) else { return }
        self.words[slot / 64] |= 1 << UInt64(slot % 64)
    }

    static func | (left: Self, right: Self) -> Self { left.combined(right, |) }
    static func & (left: Self, right: Self) -> Self { left.combined(right, &) }
    static func - (left: Self, right: Self) -> Self { left.combined(right) { $0 & ~$1 } }

    private func combined(_ other: Self, _ operation: (UInt64, UInt64) -> UInt64) -> Self {
        var result = self
        for index in self.words.indices { result.words[index] = operation(self.words[index], other.words[index]) }
        return result
    }
}
