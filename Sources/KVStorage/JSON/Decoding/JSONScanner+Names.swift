extension JSONScanner {
    /// Scans a member's name and the colon behind it.
    mutating func scanName(_ object: UInt32) throws(JSONFailure) {
        guard self.position < self.count else { throw self.ended() }
        guard self.bytes[self.position] == UInt8(ascii: "\"") else { throw self.unexpected("no member's name") }
        let index = self.tape.count
        self.tape.reserve(Self.leafCount)
        try self.scanString()
        self.skipBlanks()
        guard self.position < self.count else { throw self.ended() }
        guard self.bytes[self.position] == UInt8(ascii: ":") else {
            throw self.unexpected("no colon behind a member's name")
        }
        self.position += 1
        self.skipBlanks()
        self.count(name: index, of: Int(object))
    }

    /// Counts a member, and flags the object unless all of its names are known to be different.
    @inline(__always)
    private mutating func count(name: Int, of object: Int) {
        self.tape[object + Header.size] += 1
        let length = self.tape[name + 1]
        let start = self.bytes + Int(self.tape[name]) + 1
        var hash = length
        if length > 0, length & Self.flag == 0 {
            let (first, middle, last) = (start[0], start[Int(length / 2)], start[Int(length) - 1])
            hash &+= UInt32(first) &* 0x9E37_79B1 ^ UInt32(middle) &* 0x85EB_CA6B ^ UInt32(last) &* 0xC2B2_AE35
        }
        // Until the object ends, these two words are free.
        let place = hash &* 0x27D4_EB2F
        let word = object + (place >> 31 == 0 ? Header.next : Header.cursor)
        let bit: UInt32 = 1 << ((place >> 26) & 31)
        let seen = self.tape[word]
        self.tape[word] = seen | bit
        if length & Self.flag != 0 || seen & bit != 0 { self.compare(name: name, of: object) }
    }

    @inline(never)
    private mutating func compare(name: Int, of object: Int) {
        let size = self.tape[object + Header.size]
        guard size & Self.flag == 0 else { return }
        let length = self.tape[name + 1]
        // An escaped name can be the same as one that is written otherwise; in a large object a table finds out.
        var mayRepeat = length & Self.flag != 0 || size > Self.smallObject
        var other = object + Header.count
        while !mayRepeat, other < name {
            mayRepeat =
                self.tape[other + 1] == length
                && compareBytes(self.text(of: other, length), self.text(of: name, length)) == 0
            let value = other + Self.leafCount
            let byte = self.bytes[Int(self.tape[value])]
            other =
                byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
                ? Int(self.tape[value + Header.next]) : value + Self.leafCount
        }
        if mayRepeat { self.tape[object + Header.size] |= Self.flag }
    }

    private func text(of index: Int, _ length: UInt32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.bytes + Int(self.tape[index]) + 1, count: Int(length))
    }
}
