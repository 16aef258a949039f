/// The slots of all items in the order of their keys' UTF-8 bytes, in chunks, so that inserting moves little.
struct OrderedKeys {
    /// A place in the order; valid until the next change.
    struct Position {
        var chunk: Int
        var index: Int
    }

    private static let chunkLimit = 512
    private var chunks: [[Int32]] = []

    /// Returns the first place whose key comes after the given one.
    func firstPosition(after key: String, _ items: borrowing MemoryItems) -> Position {
        withKeyBytes(key) { bytes in self.partition(items) { compareBytes($0, bytes) > 0 } }
    }

    /// Returns the first place whose key is the given one or comes after it.
    func firstPosition(notBefore key: String, _ items: borrowing MemoryItems) -> Position {
        withKeyBytes(key) { bytes in self.partition(items) { compareBytes($0, bytes) >= 0 } }
    }

    /// Returns the slot at a place, or `nil` at the end.
    func slot(at position: Position) -> Int? {
        guard position.chunk < self.chunks.count else { return nil }
        return Int(self.chunks[position.chunk][position.index])
    }

    func position(after position: Position) -> Position {
        guard position.index + 1 < self.chunks[position.chunk].count else {
            return Position(chunk: position.chunk + 1, index: 0)
        }
        return Position(chunk: position.chunk, index: position.index + 1)
    }

    /// Adds an item whose key none of the others has.
    mutating func insert(_ item: MemoryItem, _ items: borrowing MemoryItems) {
        var position = self.partition(items) { compareBytes($0, item.keyBytes) >= 0 }
        if position.chunk == self.chunks.count {
            // Behind the last one.
            if self.chunks.isEmpty { self.chunks.append([]) }
            position = Position(chunk: self.chunks.count - 1, index: self.chunks[self.chunks.count - 1].count)
        }
        self.chunks[position.chunk].insert(Int32(item.slot), at: position.index)
        if self.chunks[position.chunk].count > Self.chunkLimit { self.split(position.chunk) }
    }

    /// Takes out an item that is in the order.
    mutating func remove(_ item: MemoryItem, _ items: borrowing MemoryItems) {
        let position = self.partition(items) { compareBytes($0, item.keyBytes) >= 0 }
        guard self.slot(at: position) == item.slot else { return }
        self.chunks[position.chunk].remove(at: position.index)
        if self.chunks[position.chunk].isEmpty { self.chunks.remove(at: position.chunk) }
    }

    /// The key of a slot in the order, which always holds an item.
    private static func keyBytes(_ slot: Int32, _ items: borrowing MemoryItems) -> UnsafeRawBufferPointer {
        items[Int(slot)]?.keyBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private mutating func split(_ chunk: Int) {
        let half = self.chunks[chunk].count / 2
        let tail = Array(self.chunks[chunk][half...])
        self.chunks[chunk].removeSubrange(half...)
        self.chunks.insert(tail, at: chunk + 1)
    }

    /// Returns the first place whose key `isBehind` holds for; it holds for all keys after that.
    private func partition(
        _ items: borrowing MemoryItems,
        _ isBehind: (UnsafeRawBufferPointer) -> Bool
    ) -> Position {
        // The first chunk whose last key is behind, then the place in it.
        var low = 0
        var high = self.chunks.count
        while low < high {
            let middle = (low + high) / 2
            let chunk = self.chunks[middle]
            if isBehind(Self.keyBytes(chunk[chunk.count - 1], items)) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        guard low < self.chunks.count else { return Position(chunk: low, index: 0) }
        let chunk = self.chunks[low]
        var first = 0
        var last = chunk.count - 1
        while first < last {
            let middle = (first + last) / 2
            if isBehind(Self.keyBytes(chunk[middle], items)) { last = middle } else { first = middle + 1 }
        }
        return Position(chunk: low, index: first)
    }
}
