/// The items of one shard by their slots; an item keeps its slot, and its place in memory, as long as it lives.
///
/// They lie in blocks of a few, so that adding one never moves the others. The blocks are this value's alone, which makes
/// it safe to send.
struct MemoryItems: ~Copyable, @unchecked Sendable {
    private static let itemsPerBlock = 32
    private static let blockSize = itemsPerBlock * (MemoryItem.stride + MemoryLayout<MemoryItem.Details>.stride)

    private var blocks: ContiguousArray<UnsafeMutableRawPointer> = []
    private var freeSlots: [Int] = []

    deinit {
        for slot in self.slots { self[slot]?.destroy() }
        for block in self.blocks { block.deallocate() }
    }

    /// The number of items.
    var count: Int { self.slots.count - self.freeSlots.count }

    /// All slots, with and without an item.
    var slots: Range<Int> { 0..<(self.blocks.count * Self.itemsPerBlock) }

    /// The item in that slot, or `nil` if there is none.
    @inline(__always)
    subscript(slot: Int) -> MemoryItem? {
        MemoryItem(record: self.record(slot), details: self.details(slot))
    }

    /// Adds an item that lives forever.
    mutating func insert(_ key: UnsafeRawBufferPointer, _ value: [UInt8], _ now: Timestamp) -> Int {
        if self.freeSlots.isEmpty { self.addBlock() }
        let slot = self.freeSlots.removeLast()
        MemoryItem.create(
            in: self.record(slot), self.details(slot), slot: slot, key: key, value: value, now: now
        )
        return slot
    }

    mutating func remove(_ item: MemoryItem) {
        self.freeSlots.append(item.slot)
        item.destroy()
    }

    private mutating func addBlock() {
        let first = self.slots.upperBound
        // Aligned to cache lines, which the records are as large as.
        let block = UnsafeMutableRawPointer.allocate(byteCount: Self.blockSize, alignment: MemoryItem.stride)
        (block + Self.itemsPerBlock * MemoryItem.stride)
            .bindMemory(to: MemoryItem.Details.self, capacity: Self.itemsPerBlock)
        self.blocks.append(block)
        for slot in self.slots.suffix(from: first) { MemoryItem.clear(self.record(slot)) }
        // The lowest number is taken first.
        self.freeSlots += self.slots.suffix(from: first).reversed()
    }

    @inline(__always)
    private func record(_ slot: Int) -> UnsafeMutableRawPointer {
        self.blocks[slot / Self.itemsPerBlock] + slot % Self.itemsPerBlock * MemoryItem.stride
    }

    /// Behind the block's records.
    @inline(__always)
    private func details(_ slot: Int) -> UnsafeMutablePointer<MemoryItem.Details> {
        (self.blocks[slot / Self.itemsPerBlock] + Self.itemsPerBlock * MemoryItem.stride)
            .assumingMemoryBound(to: MemoryItem.Details.self) + slot % Self.itemsPerBlock
    }
}
