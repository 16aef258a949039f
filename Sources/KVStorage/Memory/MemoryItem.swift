/// One item of a memory store: a record of 64 bytes, one cache line, with the value's reference, the times, and the key's
/// bytes themselves unless they are long. Finding an item touches one line and counts no references.
///
/// The record belongs to the ``MemoryItems`` of a shard, which is reached only under the shard's lock; nothing keeps an
/// item beyond that. That makes it safe to send.
struct MemoryItem: @unchecked Sendable {
    /// The deadline of an item that lives forever, which is after every other.
    static let never = Int64.max

    static let stride = 64

    /// The beginning of the record; the key's bytes, or a pointer to them, fill the rest.
    private struct Header {
        var value: [UInt8]
        var deadline: Int64
        var modified: Int64
        let slot: Int32
        /// -1 in a record that holds no item.
        let keyCount: Int32
        var wasUsed: Bool
    }

    /// What few calls look at; it stands apart.
    struct Details {
        var created: Int64
        var fields: [UInt8]?
    }

    private static let keyOffset = MemoryLayout<Header>.size
    private static let longKeyOffset = (keyOffset + 7) & ~7

    private let record: UnsafeMutableRawPointer
    private let details: UnsafeMutablePointer<Details>

    /// The item in that record, or `nil` if the record holds none.
    @inline(__always)
    init?(record: UnsafeMutableRawPointer, details: UnsafeMutablePointer<Details>) {
        self.record = record
        self.details = details
        if self.header.pointee.keyCount < 0 { return nil }
    }

    /// Marks a record as one that holds no item.
    static func clear(_ record: UnsafeMutableRawPointer) {
        let header = Header(value: [], deadline: Self.never, modified: 0, slot: 0, keyCount: -1, wasUsed: false)
        record.initializeMemory(as: Header.self, to: header)
    }

    /// Makes an item that lives forever in a record that holds none.
    static func create(
        in record: UnsafeMutableRawPointer,
        _ details: UnsafeMutablePointer<Details>,
        slot: Int,
        key: UnsafeRawBufferPointer,
        value: [UInt8],
        now: Timestamp
    ) {
        let header = Header(
            value: value, deadline: Self.never, modified: now.milliseconds, slot: Int32(slot),
            keyCount: Int32(key.count), wasUsed: false
        )
        record.initializeMemory(as: Header.self, to: header)
        details.initialize(to: Details(created: now.milliseconds, fields: nil))
        guard let start = key.baseAddress else { return }
        if key.count <= Self.stride - Self.keyOffset {
            (record + Self.keyOffset).copyMemory(from: start, byteCount: key.count)
        } else {
            let bytes = UnsafeMutableRawPointer.allocate(byteCount: key.count, alignment: 1)
            bytes.copyMemory(from: start, byteCount: key.count)
            record.storeBytes(of: bytes, toByteOffset: Self.longKeyOffset, as: UnsafeMutableRawPointer.self)
        }
    }

    /// Frees what the item holds and marks its record; the item must not be touched afterwards.
    func destroy() {
        if self.isKeyLong { self.longKey.deallocate() }
        self.header.deinitialize(count: 1)
        self.details.deinitialize(count: 1)
        Self.clear(self.record)
    }

    @inline(__always)
    private var header: UnsafeMutablePointer<Header> { self.record.assumingMemoryBound(to: Header.self) }

    /// Where the shard keeps the item as long as it lives.
    var slot: Int { Int(self.header.pointee.slot) }

    var value: [UInt8] {
        get { self.header.pointee.value }
        nonmutating set { self.header.pointee.value = newValue }
    }

    /// Milliseconds since the Unix epoch, as the two times below; ``never`` if the item lives forever.
    var deadline: Int64 {
        get { self.header.pointee.deadline }
        nonmutating set { self.header.pointee.deadline = newValue }
    }

    var modified: Int64 {
        get { self.header.pointee.modified }
        nonmutating set { self.header.pointee.modified = newValue }
    }

    var created: Int64 {
        get { self.details.pointee.created }
        nonmutating set { self.details.pointee.created = newValue }
    }

    /// Custom metadata.
    var fields: [UInt8]? {
        get { self.details.pointee.fields }
        nonmutating set { self.details.pointee.fields = newValue }
    }

    /// Whether the item was read since eviction passed it.
    var wasUsed: Bool {
        get { self.header.pointee.wasUsed }
        nonmutating set { self.header.pointee.wasUsed = newValue }
    }

    /// What an item takes beside its bytes: its record and details, its places in the table, the order and the ring, a
    /// deadline, and the heads and the rounding of what is allocated for its bytes.
    static let overhead = 160

    /// What an item of so many bytes counts for in the limit on bytes.
    static func size(key: Int, value: Int, fields: Int) -> Int { self.overhead + key + value + fields }

    /// What the item counts for in the limit on bytes.
    var size: Int {
        Self.size(
            key: Int(self.header.pointee.keyCount), value: self.value.count, fields: self.fields?.count ?? 0)
    }

    func isAlive(at now: Timestamp) -> Bool { self.deadline > now.milliseconds }
}

extension MemoryItem {
    /// The key's UTF-8 bytes; valid as long as the item.
    @inline(__always)
    var keyBytes: UnsafeRawBufferPointer {
        let start = self.isKeyLong ? UnsafeRawPointer(self.longKey) : UnsafeRawPointer(self.record + Self.keyOffset)
        return UnsafeRawBufferPointer(start: start, count: Int(self.header.pointee.keyCount))
    }

    /// A new string for the key.
    var key: String { String(decoding: self.keyBytes, as: UTF8.self) }

    @inline(__always)
    func hasKey(_ key: UnsafeRawBufferPointer) -> Bool {
        Int(self.header.pointee.keyCount) == key.count && compareBytes(self.keyBytes, key) == 0
    }

    @inline(__always)
    private var isKeyLong: Bool { Int(self.header.pointee.keyCount) > Self.stride - Self.keyOffset }

    private var longKey: UnsafeMutableRawPointer {
        self.record.load(fromByteOffset: Self.longKeyOffset, as: UnsafeMutableRawPointer.self)
    }
}
