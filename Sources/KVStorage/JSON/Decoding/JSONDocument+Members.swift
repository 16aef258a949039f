extension JSONDocument {
    private typealias Header = JSONScanner.Header

    /// Returns the value of an object's member, the last of those with the name; `nil` if there is none.
    @inline(__always)
    func member(_ name: String, of object: UInt32) -> UInt32? {
        var name = name
        return name.withUTF8 { self.member($0, of: object) }
    }

    private func member(_ name: UnsafeBufferPointer<UInt8>, of object: UInt32) -> UInt32? {
        let head = Int(object)
        let size = self.tape[head + Header.size]
        let end = self.tape[head + Header.next]
        guard size & ~JSONScanner.flag <= JSONScanner.smallObject else {
            return self.table(of: object).member(name, in: self)
        }
        if size & JSONScanner.flag != 0 {
            var last: UInt32?
            var index = object + UInt32(Header.count)
            while index < end {
                let value = index + UInt32(JSONScanner.leafCount)
                if self.isName(index, name) { last = value }
                index = self.next(value)
            }
            return last
        }
        // Members are mostly asked for in the order in which they stand.
        let first = object + UInt32(Header.count)
        let cursor = self.tape[head + Header.cursor]
        var index = cursor
        while index < end {
            let value = index + UInt32(JSONScanner.leafCount)
            let next = self.next(value)
            if self.isName(index, name) {
                self.tape[head + Header.cursor] = next
                return value
            }
            index = next
        }
        index = first
        while index < cursor {
            let value = index + UInt32(JSONScanner.leafCount)
            let next = self.next(value)
            if self.isName(index, name) {
                self.tape[head + Header.cursor] = next
                return value
            }
            index = next
        }
        return nil
    }

    @inline(never)
    private func table(of object: UInt32) -> JSONMemberTable {
        if let table = self.rarities?.tables[object] { return table }
        let table = JSONMemberTable(of: object, in: self)
        if self.rarities == nil { self.rarities = Rarities() }
        self.rarities?.tables[object] = table
        return table
    }

    /// Returns the indices of an object's names in their order, of those that are there twice the last.
    func names(of object: UInt32) -> [UInt32] {
        let head = Int(object)
        var names: [UInt32] = []
        names.reserveCapacity(self.size(object))
        let end = self.tape[head + Header.next]
        let repeats = self.tape[head + Header.size] & JSONScanner.flag != 0
        var index = object + UInt32(Header.count)
        while index < end {
            let value = index + UInt32(JSONScanner.leafCount)
            if !repeats || self.lastMember(index, of: object) == value { names.append(index) }
            index = self.next(value)
        }
        return names
    }

    private func lastMember(_ name: UInt32, of object: UInt32) -> UInt32? {
        guard self.size(object) > JSONScanner.smallObject else { return self.member(self.string(name), of: object) }
        return self.table(of: object).member(named: name, in: self)
    }

    /// Whether the name at an index is this one.
    @inline(__always)
    func isName(_ index: UInt32, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let length = self.tape[Int(index) + 1]
        if length & JSONScanner.flag != 0 { return self.isEscapedName(index, name) }
        return Int(length) == name.count
            && self.withRawString(index) { compareBytes(UnsafeRawBufferPointer($0), UnsafeRawBufferPointer(name)) } == 0
    }

    @inline(never)
    private func isEscapedName(_ index: UInt32, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        self.string(index).utf8.elementsEqual(name)
    }
}
