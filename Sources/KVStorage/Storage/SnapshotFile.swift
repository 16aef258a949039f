/// Writes the file of a snapshot, a block at a time; the format is described in the article on it.
struct SnapshotWriter {
    static let magic = Array("KVSNAP01".utf8)

    private var blockCount: UInt64 = 0
    private var itemCount: UInt64 = 0

    /// What a file begins with.
    var header: [UInt8] { Self.magic }

    /// Returns the next block, of at least one item.
    mutating func block(of items: some Collection<Snapshot.Item>) -> [UInt8] {
        var payload: [UInt8] = []
        for item in items { payload.append(item) }
        let checksum = Self.checksum(self.blockCount, payload)
        self.blockCount += 1
        self.itemCount += UInt64(items.count)
        var block: [UInt8] = []
        block.append(number: UInt64(payload.count))
        return block + payload + checksum
    }

    /// What a whole file ends with.
    var trailer: [UInt8] {
        var count: [UInt8] = []
        count.append(number: self.itemCount)
        var trailer: [UInt8] = []
        trailer.append(number: 0)
        return trailer + count + Self.checksum(self.blockCount, count)
    }

    /// Bound to the block's number, so that no block can be left out, doubled or exchanged.
    static func checksum(_ number: UInt64, _ payload: some Collection<UInt8>) -> [UInt8] {
        var place: [UInt8] = []
        place.append(number: number)
        var hash = SHA256()
        hash.update(place)
        hash.update(payload)
        return hash.finish()
    }
}

extension [UInt8] {
    fileprivate mutating func append(number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { self.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    fileprivate mutating func append(_ item: Snapshot.Item) {
        self.append((item.deadline == nil ? 0 : 1) | (item.fields == nil ? 0 : 2))
        if let deadline = item.deadline { self.append(number: UInt64(bitPattern: deadline.milliseconds)) }
        self.append(part: Array(item.key.utf8))
        self.append(part: item.value)
        if let fields = item.fields { self.append(part: fields) }
    }

    private mutating func append(part: [UInt8]) {
        self.append(number: UInt64(part.count))
        self += part
    }
}
