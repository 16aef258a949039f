/// Reads the file of a snapshot as its bytes come in, and hands out each block once its checksum has been compared.
struct SnapshotReader {
    private enum Phase {
        case magic, block, end
    }

    private static let checksumCount = 32
    // Keeps a damaged length from asking for all of the memory: more than any engine takes in one item.
    private static let largestBlock: UInt64 = 1 << 33

    private var phase = Phase.magic
    private var pending: [UInt8] = []
    // How much of the pending bytes has been taken; dropped when more come, so that a block costs its own length alone.
    private var position = 0
    private var blockCount: UInt64 = 0
    private var itemCount: UInt64 = 0

    /// Adds bytes and calls the body with the items of each block that is whole by then.
    mutating func read(
        _ bytes: some Sequence<UInt8>,
        _ body: ([Snapshot.Item]) throws(StorageError) -> Void
    ) throws(StorageError) {
        self.append(bytes)
        while let items = try self.next() { if !items.isEmpty { try body(items) } }
    }

    /// Returns the items of the next block, none for what holds none, `nil` if more bytes are needed.
    mutating func next() throws(StorageError) -> [Snapshot.Item]? {
        switch self.phase {
        case .magic:
            guard let magic = self.take(SnapshotWriter.magic.count) else { return nil }
            guard magic == SnapshotWriter.magic else {
                throw StorageError(
                    .incompatibleFormat,
                    "this is no snapshot, or one of a later version; read it with the version that wrote it"
                )
            }
            self.phase = .block
            return []
        case .block: return try self.nextBlock()
        case .end:
            guard self.position == self.pending.count else { throw Self.damaged("more follows behind its end") }
            return nil
        }
    }

    /// Adds bytes as they come in.
    mutating func append(_ bytes: some Sequence<UInt8>) {
        self.pending.removeFirst(self.position)
        self.position = 0
        self.pending += bytes
    }

    /// - Throws: ``StorageError/Code/corrupted`` if the file has ended too early.
    func finish() throws(StorageError) {
        guard case .end = self.phase else { throw Self.damaged("it ends early") }
    }

    private mutating func nextBlock() throws(StorageError) -> [Snapshot.Item]? {
        guard let count = Self.number(self.pending[self.position...]) else { return nil }
        guard count <= Self.largestBlock else { throw Self.damaged("a block is larger than any can be") }
        let payloadCount = count == 0 ? 8 : Int(count)
        guard self.pending.count - self.position >= 8 + payloadCount + Self.checksumCount, let head = self.take(8),
            let payload = self.take(payloadCount), let checksum = self.take(Self.checksumCount)
        else { return nil }
        guard SnapshotWriter.checksum(self.blockCount, payload) == checksum, head.count == 8 else {
            throw Self.damaged("the checksum of a block is wrong")
        }
        if count == 0 {
            guard Self.number(payload[...]) == self.itemCount else { throw Self.damaged("items are missing") }
            self.phase = .end
            return []
        }
        let items = try Self.items(payload)
        self.blockCount += 1
        self.itemCount += UInt64(items.count)
        return items
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard self.pending.count - self.position >= count else { return nil }
        defer { self.position += count }
        return Array(self.pending[self.position..<(self.position + count)])
    }

    private static func items(_ payload: [UInt8]) throws(StorageError) -> [Snapshot.Item] {
        var rest = payload[...]
        var items: [Snapshot.Item] = []
        while let flags = rest.popFirst() {
            guard flags < 4 else { throw self.damaged("an item has unknown parts") }
            var item = Snapshot.Item(key: "", value: [])
            if flags & 1 != 0 {
                guard let deadline = self.number(rest) else { throw self.damaged("an item is cut off") }
                rest = rest.dropFirst(8)
                item.deadline = Timestamp(milliseconds: Int64(bitPattern: deadline))
            }
            guard let key = String(validating: try self.part(&rest), as: UTF8.self) else {
                throw self.damaged("a key is not UTF-8")
            }
            item.key = key
            item.value = Array(try self.part(&rest))
            if flags & 2 != 0 { item.fields = Array(try self.part(&rest)) }
            items.append(item)
        }
        return items
    }

    private static func part(_ rest: inout ArraySlice<UInt8>) throws(StorageError) -> ArraySlice<UInt8> {
        guard let count = self.number(rest), count <= UInt64(rest.count - 8) else {
            throw self.damaged("an item is cut off")
        }
        let part = rest.dropFirst(8).prefix(Int(count))
        rest = rest.dropFirst(8 + Int(count))
        return part
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        guard bytes.count >= 8 else { return nil }
        return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func damaged(_ what: String) -> StorageError {
        StorageError(.corrupted, "the snapshot is damaged: \(what); use another copy of it")
    }
}
