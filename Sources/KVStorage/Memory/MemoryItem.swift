/// One item of a memory store: a block of memory that holds the times, the value's reference and, behind them, the key's
/// bytes, so that finding an item touches few places and counts no references.
///
/// The block belongs to the ``MemoryShard`` that allocated it, which frees it when the item goes and reaches it only under
/// its lock; nothing else keeps the pointer. That makes it safe to send.
struct MemoryItem: @unchecked Sendable {
    /// The deadline of an item that lives for ever, which is after every other.
    static let never = Int64.max

    private struct Header {
        var fields: [UInt8]?
        var created: Int64
        var modified: Int64
        let hash: UInt64
        let slot: Int32
        let keyCount: Int32
        var deadline: Int64
        var value: [UInt8]
        var wasUsed: Bool
    }

    private let header: UnsafeMutablePointer<Header>

    static func allocate(_ key: String, hash: UInt64, slot: Int, value: [UInt8], now: Timestamp) -> MemoryItem {
        withKeyBytes(key) { bytes in
            let block = UnsafeMutableRawPointer.allocate(
                byteCount: MemoryLayout<Header>.size + bytes.count,
                alignment: MemoryLayout<Header>.alignment
            )
            let header = Header(
                fields: nil, created: now.milliseconds, modified: now.milliseconds, hash: hash, slot: Int32(slot),
                keyCount: Int32(bytes.count), deadline: Self.never, value: value, wasUsed: false
            )
            let item = MemoryItem(header: block.initializeMemory(as: Header.self, to: header))
            if let start = bytes.baseAddress {
                (block + MemoryLayout<Header>.size).copyMemory(from: start, byteCount: bytes.count)
            }
            return item
        }
    }

    /// Frees the block; the item must not be touched afterwards.
    func deallocate() {
        self.header.deinitialize(count: 1)
        UnsafeMutableRawPointer(self.header).deallocate()
    }

    /// Where the shard keeps the item as long as it lives.
    var slot: Int { Int(self.header.pointee.slot) }

    var hash: UInt64 { self.header.pointee.hash }

    /// The key's UTF-8 bytes; valid as long as the item.
    @inline(__always)
    var keyBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: UnsafeRawPointer(self.header) + MemoryLayout<Header>.size,
            count: Int(self.header.pointee.keyCount)
        )
    }

    /// A new string for the key.
    var key: String { String(decoding: self.keyBytes, as: UTF8.self) }

    @inline(__always)
    func hasKey(_ key: UnsafeRawBufferPointer) -> Bool {
        Int(self.header.pointee.keyCount) == key.count && compareBytes(self.keyBytes, key) == 0
    }

    var value: [UInt8] {
        get { self.header.pointee.value }
        nonmutating set { self.header.pointee.value = newValue }
    }

    /// Custom metadata.
    var fields: [UInt8]? {
        get { self.header.pointee.fields }
        nonmutating set { self.header.pointee.fields = newValue }
    }

    /// What the item counts for in the limit on bytes.
    var size: Int {
        Int(self.header.pointee.keyCount) + self.header.pointee.value.count + (self.header.pointee.fields?.count ?? 0)
    }

    /// Milliseconds since the Unix epoch, as the two times below; ``never`` if the item lives for ever.
    var deadline: Int64 {
        get { self.header.pointee.deadline }
        nonmutating set { self.header.pointee.deadline = newValue }
    }

    var created: Int64 {
        get { self.header.pointee.created }
        nonmutating set { self.header.pointee.created = newValue }
    }

    var modified: Int64 {
        get { self.header.pointee.modified }
        nonmutating set { self.header.pointee.modified = newValue }
    }

    /// Whether the item was read since eviction passed it.
    var wasUsed: Bool {
        get { self.header.pointee.wasUsed }
        nonmutating set { self.header.pointee.wasUsed = newValue }
    }

    func isAlive(at now: Timestamp) -> Bool { self.deadline > now.milliseconds }
}
