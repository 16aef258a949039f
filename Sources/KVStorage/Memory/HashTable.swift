/// Finds slots by hash: open addressing with linear probing, no tombstones.
///
/// The table keeps slot numbers and the hashes' low halves; whether the key is the right one is the caller's question.
struct HashTable {
    // The low half of a cell is the slot's number plus one, the high half the low half of the hash. 0 is an empty cell.
    private var cells: ContiguousArray<UInt64> = ContiguousArray(repeating: 0, count: 8)
    private var count = 0

    private var mask: Int { self.cells.count - 1 }

    /// Returns the slot with that hash that `isMatch` accepts.
    @inline(__always)
    func find(_ hash: UInt64, _ isMatch: (Int) -> Bool) -> Int? {
        self.cells.withUnsafeBufferPointer { cells in
            let mask = cells.count - 1
            let tag = hash << 32
            var index = Int(truncatingIfNeeded: hash) & mask
            while cells[index] != 0 {
                let cell = cells[index]
                if cell & 0xFFFF_FFFF_0000_0000 == tag {
                    let slot = Int(cell & 0xFFFF_FFFF) - 1
                    if isMatch(slot) { return slot }
                }
                index = (index + 1) & mask
            }
            return nil
        }
    }

    /// Adds a slot that is not in the table.
    mutating func insert(_ slot: Int, hash: UInt64) {
        // At most seven eighths full.
        if (self.count + 1) * 8 > self.cells.count * 7 { self.grow() }
        self.place(hash << 32 | UInt64(slot + 1))
        self.count += 1
    }

    /// Takes out a slot that is in the table.
    mutating func remove(_ slot: Int, hash: UInt64) {
        let cell = hash << 32 | UInt64(slot + 1)
        var index = Int(truncatingIfNeeded: hash) & self.mask
        while self.cells[index] != cell {
            guard self.cells[index] != 0 else { return }
            index = (index + 1) & self.mask
        }
        // What follows moves up, unless it would leave its place before its own beginning.
        var hole = index
        while true {
            index = (index + 1) & self.mask
            let other = self.cells[index]
            guard other != 0 else { break }
            let home = Int(truncatingIfNeeded: other >> 32) & self.mask
            if (index - home) & self.mask >= (index - hole) & self.mask {
                self.cells[hole] = other
                hole = index
            }
        }
        self.cells[hole] = 0
        self.count -= 1
    }

    private mutating func place(_ cell: UInt64) {
        var index = Int(truncatingIfNeeded: cell >> 32) & self.mask
        while self.cells[index] != 0 { index = (index + 1) & self.mask }
        self.cells[index] = cell
    }

    private mutating func grow() {
        let old = self.cells
        self.cells = ContiguousArray(repeating: 0, count: old.count * 2)
        for cell in old where cell != 0 { self.place(cell) }
    }
}

/// Returns the hash of the key's UTF-8 bytes, seeded at random in each process, so that nobody can choose keys that collide.
@inline(__always)
func keyHash(_ key: String) -> UInt64 {
    withKeyBytes(key, keyHash)
}

@inline(__always)
func keyHash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: key)
    return UInt64(bitPattern: Int64(hasher.finalize()))
}
