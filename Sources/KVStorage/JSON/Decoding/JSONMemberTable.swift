/// The members of a large object by their names, of those with the same name the last.
///
/// Hashed with the process' own seed, so that no text can be made up whose names all meet.
struct JSONMemberTable {
    /// The indices of names on the tape, 0 for none: the tape does not begin with one.
    private var slots: [UInt32]
    private let mask: Int

    init(of object: UInt32, in document: JSONDocument) {
        var capacity = 32
        while capacity < document.size(object) * 2 { capacity *= 2 }
        self.slots = [UInt32](repeating: 0, count: capacity)
        self.mask = capacity - 1
        let end = document.tape[Int(object) + JSONScanner.Header.next]
        var index = object + UInt32(JSONScanner.Header.count)
        while index < end {
            let slot = Self.withName(index, in: document) { self.slot(of: $0, in: document) }
            self.slots[slot] = index
            index = document.next(index + UInt32(JSONScanner.leafCount))
        }
    }

    /// Returns the index of the member's value.
    func member(_ name: UnsafeBufferPointer<UInt8>, in document: JSONDocument) -> UInt32? {
        let index = self.slots[self.slot(of: name, in: document)]
        return index == 0 ? nil : index + UInt32(JSONScanner.leafCount)
    }

    /// Returns the index of the value of the member with the same name as that at an index.
    func member(named index: UInt32, in document: JSONDocument) -> UInt32? {
        Self.withName(index, in: document) { self.member($0, in: document) }
    }

    /// Returns where the name is, or else would be; at least half of the slots are free.
    private func slot(of name: UnsafeBufferPointer<UInt8>, in document: JSONDocument) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(name))
        var slot = hasher.finalize() & self.mask
        while self.slots[slot] != 0, !document.isName(self.slots[slot], name) { slot = (slot + 1) & self.mask }
        return slot
    }

    private static func withName<Result>(
        _ index: UInt32,
        in document: JSONDocument,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        guard document.isFlagged(index) else { return document.withRawString(index, body) }
        var name = document.string(index)
        return name.withUTF8(body)
    }
}
