extension JSONScanner {
    /// Scans a number, whose sign or first digit is at the position, and writes it down.
    @inline(__always)
    mutating func scanNumber() throws(JSONFailure) {
        let start = self.position
        var position = start
        var flag: UInt32 = 0
        if self.bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < self.count, self.bytes[position] == UInt8(ascii: "0") {
            position += 1
            // Nothing else can follow; said here, as "something follows" would puzzle.
            guard position == self.count || !self.isDigit(position) else {
                throw self.unexpected("a number that begins with 0", at: start)
            }
        } else {
            position = try self.endOfDigits(position)
        }
        if position < self.count, self.bytes[position] == UInt8(ascii: ".") {
            flag = Self.flag
            position = try self.endOfDigits(position + 1)
        }
        if position < self.count, self.bytes[position] | 0x20 == UInt8(ascii: "e") {
            flag = Self.flag
            position += 1
            if position < self.count,
                self.bytes[position] == UInt8(ascii: "+") || self.bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            position = try self.endOfDigits(position)
        }
        self.tape.appendReserved(UInt32(start))
        self.tape.appendReserved(UInt32(position - start) | flag)
        self.position = position
    }

    @inline(__always)
    private func isDigit(_ position: Int) -> Bool { self.bytes[position] &- UInt8(ascii: "0") < 10 }

    /// Returns where the digits end, of which there has to be one.
    @inline(__always)
    private func endOfDigits(_ start: Int) throws(JSONFailure) -> Int {
        var position = start
        while position < self.count, self.isDigit(position) { position += 1 }
        guard position > start else {
            throw start < self.count ? self.unexpected("no digit in a number", at: start) : self.ended()
        }
        return position
    }
}
