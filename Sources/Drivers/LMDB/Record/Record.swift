import KVStorage

/// An item as it lies in the database: a header that is as short as it can be, the custom metadata, the value.
///
///     UInt8   format, 1
///     UInt8   flags, which say what of the following there is
///     Int64   modified
///     Int64   created, if it is another time (flag 1)
///     Int64   deadline (flag 2)
///     UInt32  size of the custom metadata (flag 4)
///
/// Numbers are little-endian, times milliseconds of the Unix epoch. The bytes are LMDB's: valid until the transaction
/// ends or, in one that writes, until its next write.
struct Record {
    static let format: UInt8 = 1

    private struct Flags {
        static let created: UInt8 = 1
        static let deadline: UInt8 = 2
        static let fields: UInt8 = 4
        static let all: UInt8 = 7
    }

    private static let shortestHeaderBytes = 10

    let raw: UnsafeRawBufferPointer
    private let flags: UInt8

    @inline(__always)
    init(_ raw: UnsafeRawBufferPointer) throws(StorageError) {
        guard raw.count >= Self.shortestHeaderBytes else { throw Self.damaged }
        guard raw[0] == Self.format else { throw Self.newer }
        self.raw = raw
        self.flags = raw[1]
        if self.flags != 0 { try self.validate() }
    }

    /// Checks that the record is as long as its flags say.
    private func validate() throws(StorageError) {
        guard self.flags <= Flags.all, self.headerByteCount <= self.raw.count,
            self.headerByteCount + self.fieldByteCount <= self.raw.count
        else { throw Self.damaged }
    }

    var modified: Int64 { self.number(at: 2) }

    var created: Int64 { self.has(Flags.created) ? self.number(at: 10) : self.modified }

    var deadline: Timestamp? {
        self.has(Flags.deadline) ? Timestamp(milliseconds: self.number(at: self.deadlineOffset)) : nil
    }

    var fields: [UInt8]? {
        guard self.has(Flags.fields) else { return nil }
        let start = self.headerByteCount
        return [UInt8](self.raw[start..<start + self.fieldByteCount])
    }

    @inline(__always)
    var value: UnsafeRawBufferPointer {
        let start = self.flags == 0 ? Self.shortestHeaderBytes : self.headerByteCount + self.fieldByteCount
        return UnsafeRawBufferPointer(rebasing: self.raw[start...])
    }

    // From the buffer itself, which the standard library copies at once: `unsafeUninitializedCapacity` takes three
    // times as long.
    @inline(__always)
    var bytes: [UInt8] { [UInt8](self.value) }

    /// Returns whether the item lives, asking the clock only if it can expire.
    @inline(__always)
    func isLive(_ clock: any StorageClock) -> Bool {
        !self.has(Flags.deadline) || self.number(at: self.deadlineOffset) > clock.now.milliseconds
    }

    func isLive(at now: Timestamp) -> Bool {
        self.deadline.map { $0 > now } ?? true
    }

    func meta(at now: Timestamp) -> ItemMeta {
        ItemMeta(
            mtime: Timestamp(milliseconds: self.modified),
            birthtime: Timestamp(milliseconds: self.created),
            deadline: self.deadline,
            asOf: now,
            size: self.value.count,
            fieldBytes: self.fields
        )
    }

    @inline(__always)
    private func has(_ flag: UInt8) -> Bool {
        self.flags & flag != 0
    }

    private var deadlineOffset: Int { self.has(Flags.created) ? 18 : 10 }

    private var headerByteCount: Int {
        self.deadlineOffset + (self.has(Flags.deadline) ? 8 : 0) + (self.has(Flags.fields) ? 4 : 0)
    }

    private var fieldByteCount: Int {
        guard self.has(Flags.fields) else { return 0 }
        let offset = self.headerByteCount - 4
        return Int(UInt32(littleEndian: self.raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    @inline(__always)
    private func number(at offset: Int) -> Int64 {
        Int64(littleEndian: self.raw.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    }

    private static var damaged: StorageError {
        StorageError(.corrupted, "the item is damaged; set or remove it, or restore the environment from a backup")
    }

    private static var newer: StorageError {
        StorageError(.incompatibleFormat, "the item was written by a newer version; update this program")
    }
}

extension Record {
    /// What is written in front of the value.
    struct Header {
        var created: Timestamp
        var modified: Timestamp
        var deadline: Timestamp?
        var fields: [UInt8]?

        func byteCount(with value: [UInt8]) -> Int {
            self.headerByteCount + (self.fields?.count ?? 0) + value.count
        }

        /// Writes header, custom metadata and value into a buffer of the right size.
        func write(_ value: [UInt8], to buffer: UnsafeMutableRawBufferPointer) {
            var flags: UInt8 = 0
            var offset = 2
            func append<Number: FixedWidthInteger>(_ number: Number) {
                buffer.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
                offset += MemoryLayout<Number>.size
            }
            append(self.modified.milliseconds)
            if self.created != self.modified {
                flags |= Flags.created
                append(self.created.milliseconds)
            }
            if let deadline = self.deadline {
                flags |= Flags.deadline
                append(deadline.milliseconds)
            }
            if let fields = self.fields {
                flags |= Flags.fields
                append(UInt32(fields.count))
                UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyBytes(from: fields)
                offset += fields.count
            }
            buffer[0] = Record.format
            buffer[1] = flags
            UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyBytes(from: value)
        }

        private var headerByteCount: Int {
            Record.shortestHeaderBytes + (self.created == self.modified ? 0 : 8) + (self.deadline == nil ? 0 : 8)
                + (self.fields == nil ? 0 : 4)
        }
    }
}
