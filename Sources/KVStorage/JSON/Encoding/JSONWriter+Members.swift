extension JSONWriter {
    /// How many members an object has before their names are kept in a set.
    private static let fewMembers = 64

    /// Writes a member's name in a frame, whose value is due then.
    ///
    /// - Returns: The part of an earlier member of the same name, which ``removeMember(_:in:)`` removes once the value is
    ///   there; -1 if there is none, or if `isUnique` or the frame's order say that it does not matter.
    @inline(__always)
    func beginMember(_ name: String, in index: Int, isUnique: Bool = false) -> Int {
        if self.frames[index].count > 0 { self.bytes.append(UInt8(ascii: ",")) }
        let offset = self.bytes.count
        self.parts.append(offset)
        self.frames[index].count += 1
        self.write(name)
        self.bytes.append(UInt8(ascii: ":"))
        if isUnique || self.frames[index].order == .names { return -1 }

        let length = self.bytes.count - offset
        // With the quotes at both ends there are three bytes at least.
        let (first, middle, last) = (
            self.bytes[offset + 1], self.bytes[offset + length / 2], self.bytes[offset + length - 3]
        )
        let hash = (UInt32(first) &* 0x9E37_79B1 ^ UInt32(middle) &* 0x85EB_CA6B ^ UInt32(last) &* 0xC2B2_AE35)
        let place = (hash &+ UInt32(truncatingIfNeeded: length)) &* 0x27D4_EB2F
        let bit: UInt64 = 1 << UInt64(place >> 26)
        let seen = self.frames[index].names
        self.frames[index].names = seen | bit
        return seen & bit == 0 && self.frames[index].count <= Self.fewMembers
            ? -1 : self.earlier(name, offset, in: index)
    }

    @inline(never)
    private func earlier(_ name: String, _ offset: Int, in index: Int) -> Int {
        let frame = self.frames[index]
        if frame.count > Self.fewMembers {
            if self.nameSets[frame.serial] == nil {
                let earlier = (frame.firstPart..<(self.parts.count - 1)).map {
                    KeyIdentity(self.name(at: self.parts[$0]))
                }
                self.nameSets[frame.serial] = Set(earlier)
            }
            if self.nameSets[frame.serial]?.insert(KeyIdentity(name)).inserted ?? true { return -1 }
        }
        // As both are escaped alike, the same name has the same bytes up to its colon.
        let length = self.bytes.count - offset
        let written = UnsafeRawBufferPointer(start: self.bytes.base + offset, count: length)
        for part in frame.firstPart..<(self.parts.count - 1) {
            let other = UnsafeRawBufferPointer(start: self.bytes.base + self.parts[part], count: length)
            if self.parts[part] + length <= self.bytes.count, compareBytes(other, written) == 0 { return part }
        }
        return -1
    }

    /// Removes a member that another of the same name follows.
    @inline(never)
    func removeMember(_ part: Int, in index: Int) {
        let (start, end) = (self.parts[part], self.parts[part + 1])
        // With the comma behind it.
        self.bytes.remove(start..<end)
        self.parts.remove(part..<(part + 1))
        for later in part..<self.parts.count { self.parts[later] -= end - start }
        self.inserts.removeAll { start..<end ~= $0.offset }
        for later in self.inserts.indices where self.inserts[later].offset >= end {
            self.inserts[later].offset -= end - start
        }
        self.frames[index].count -= 1
    }

    /// The name that was written at an offset.
    func name(at offset: Int) -> String { JSONText.unescaped(self.rawName(at: offset)) }

    /// The bytes between the quotes of the name at an offset.
    func rawName(at offset: Int) -> UnsafeBufferPointer<UInt8> {
        var end = offset + 1
        while self.bytes[end] != UInt8(ascii: "\"") { end += self.bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
        return UnsafeBufferPointer(start: self.bytes.base + offset + 1, count: end - offset - 1)
    }
}
