import Synchronization

/// How much a memory store holds, over all its shards.
final class MemoryUsage: Sendable {
    /// Whether there is a limit; without one nothing is counted.
    let isCounting: Bool
    let maximumItems: Int
    let maximumBytes: Int
    private let items = Atomic(0)
    private let bytes = Atomic(0)
    private let turn = Atomic(0)

    /// Creates the usage of a store with the given limits; `nil` is none.
    init(maximumItems: Int?, maximumBytes: Int?) {
        self.isCounting = maximumItems != nil || maximumBytes != nil
        self.maximumItems = maximumItems ?? .max
        self.maximumBytes = maximumBytes ?? .max
    }

    @inline(__always)
    func add(items: Int, bytes: Int) {
        guard self.isCounting else { return }
        if items != 0 { self.items.wrappingAdd(items, ordering: .relaxed) }
        if bytes != 0 { self.bytes.wrappingAdd(bytes, ordering: .relaxed) }
    }

    /// Whether the store holds more than it may.
    var isExceeded: Bool {
        self.items.load(ordering: .relaxed) > self.maximumItems
            || self.bytes.load(ordering: .relaxed) > self.maximumBytes
    }

    /// Checks that an item finds room by itself.
    ///
    /// - Throws: ``StorageError/Code/tooLarge``.
    @inline(__always)
    func requireRoom(for key: String, value: Int, fields: Int) throws(StorageError) {
        guard self.maximumBytes != .max else { return }
        let size = MemoryItem.size(key: key.utf8.count, value: value, fields: fields)
        if size > self.maximumBytes { throw self.refusal("the item takes \(size) bytes", key) }
    }

    /// Checks that the items of a batch find room all together, so that it is not evicted by itself.
    ///
    /// - Throws: ``StorageError/Code/tooLarge``.
    func requireRoom(items: Int, bytes: Int) throws(StorageError) {
        if items > self.maximumItems, items > 1 { throw self.refusal("the batch has \(items) items", nil) }
        if bytes > self.maximumBytes { throw self.refusal("the batch takes \(bytes) bytes", nil) }
    }

    private func refusal(_ what: String, _ key: String?) -> StorageError {
        let limit =
            self.maximumBytes == .max
            ? "\(self.maximumItems) items" : "\(self.maximumBytes) bytes, \(MemoryItem.overhead) for each item included"
        return StorageError(
            .tooLarge, "\(what), the store holds \(limit); raise its limits or store less at once", key: key)
    }

    /// Returns a number that grows by one each time.
    func nextTurn() -> Int {
        self.turn.wrappingAdd(1, ordering: .relaxed).oldValue & 0xFFFF
    }
}
