/// A page of an environment's file, or one that lies within another (`MDB_page`).
struct Page {
    enum Kind {
        case branch, leaf, overflow, other
    }

    /// What a leaf has under a key; ranges are those of the page's bytes.
    enum Content {
        case value(Range<Int>)
        /// On pages of its own.
        case elsewhere(page: UInt64, byteCount: Int)
        case database(Range<Int>)
        /// Several values, as a page within the page.
        case duplicates(Range<Int>)
    }

    private static let headerBytes = 16
    private static let nodeBytes = 8

    let bytes: [UInt8]

    var kind: Kind {
        switch self.flags & 0x0F {
        case 1: .branch
        case 2: .leaf
        case 4: .overflow
        default: .other
        }
    }

    /// Whether it holds keys of one size, one after the other, and nothing else (`P_LEAF2`).
    var isPacked: Bool { self.flags & 0x20 != 0 }

    var count: Int { (self.lower - Self.headerBytes) / 2 }

    var overflowCount: Int { Int(self.bytes.number(at: 12, UInt32.self)) }

    private var flags: UInt16 { self.bytes.number(at: 10, UInt16.self) }
    private var lower: Int { Int(self.bytes.number(at: 12, UInt16.self)) }
    private var upper: Int { Int(self.bytes.number(at: 14, UInt16.self)) }

    /// Checks that it is as large as it says; to be called before its entries are looked at.
    func requireSound() throws {
        guard self.bytes.count >= Self.headerBytes, self.lower >= Self.headerBytes, self.lower <= self.upper,
            self.upper <= self.bytes.count
        else { throw PageWalk.Damage() }
        guard self.isPacked else { return }
        let keyBytes = Int(self.bytes.number(at: 8, UInt16.self))
        guard keyBytes > 0, Self.headerBytes + self.count * keyBytes <= self.bytes.count else {
            throw PageWalk.Damage()
        }
    }

    /// Returns the page below an entry of a branch.
    func child(_ index: Int) throws -> UInt64 {
        let offset = try self.offset(index)
        _ = try self.keyEnd(offset)
        return UInt64(self.bytes.number(at: offset, UInt32.self))
            | UInt64(self.bytes.number(at: offset + 4, UInt16.self)) << 32
    }

    /// Returns what an entry of a leaf holds.
    func content(_ index: Int) throws -> Content {
        let offset = try self.offset(index)
        let start = try self.keyEnd(offset)
        let byteCount = Int(self.bytes.number(at: offset, UInt32.self))
        let flags = self.bytes.number(at: offset + 4, UInt16.self)
        let end = start + (flags == 1 ? 8 : byteCount)
        guard end <= self.bytes.count else { throw PageWalk.Damage() }
        switch flags {
        case 0:
            return .value(start..<end)
        case 1:
            return .elsewhere(page: self.bytes.number(at: start, UInt64.self), byteCount: byteCount)
        case 2 where byteCount == File.Database.byteCount, 6 where byteCount == File.Database.byteCount:
            return .database(start..<end)
        case 4:
            return .duplicates(start..<end)
        default:
            throw PageWalk.Damage()
        }
    }

    private func offset(_ index: Int) throws -> Int {
        let offset = Int(self.bytes.number(at: Self.headerBytes + index * 2, UInt16.self))
        guard offset >= self.upper, offset + Self.nodeBytes <= self.bytes.count else { throw PageWalk.Damage() }
        return offset
    }

    private func keyEnd(_ offset: Int) throws -> Int {
        let end = offset + Self.nodeBytes + Int(self.bytes.number(at: offset + 6, UInt16.self))
        guard end <= self.bytes.count else { throw PageWalk.Damage() }
        return end
    }
}
