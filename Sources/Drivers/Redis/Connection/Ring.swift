/// A queue in one block of memory: what goes in at the end comes out at the front, and all between can be reached.
struct Ring<Element> {
    private var slots: [Element?]
    private var head = 0
    private(set) var count = 0

    /// Creates an empty queue, or one of the elements given.
    init(_ elements: [Element] = []) {
        var capacity = 16
        while capacity < elements.count { capacity *= 2 }
        self.slots = elements + [Element?](repeating: nil, count: capacity - elements.count)
        self.count = elements.count
    }

    var isEmpty: Bool { self.count == 0 }
    var indices: Range<Int> { 0..<self.count }
    var first: Element? { self.isEmpty ? nil : self.slots[self.head] }
    var elements: [Element] { self.indices.compactMap { self.slots[self.slot($0)] } }

    mutating func append(_ element: Element) {
        if self.count == self.slots.count { self.grow() }
        self.slots[self.slot(self.count)] = element
        self.count += 1
    }

    @discardableResult
    mutating func removeFirst() -> Element? {
        guard self.count > 0 else { return nil }
        let element = self.slots[self.head].take()
        self.head = (self.head + 1) & (self.slots.count - 1)
        self.count -= 1
        return element
    }

    /// Puts what was taken out at the front back there.
    mutating func putBack(_ element: Element) {
        if self.count == self.slots.count { self.grow() }
        self.head = (self.head - 1) & (self.slots.count - 1)
        self.slots[self.head] = element
        self.count += 1
    }

    /// Returns what the body makes of the element at a position, or `nil` if there is none.
    func read<Result>(_ index: Int, _ body: (borrowing Element) -> Result) -> Result? {
        guard self.indices.contains(index), let element = self.slots[self.slot(index)] else { return nil }
        return body(element)
    }

    /// Changes the element at a position in place, if there is one.
    mutating func update<Result>(_ index: Int, _ body: (inout Element) -> Result) -> Result? {
        guard self.indices.contains(index) else { return nil }
        let slot = self.slot(index)
        guard self.slots[slot] != nil else { return nil }
        return Self.change(&self.slots[slot], body)
    }

    private static func change<Result>(_ slot: inout Element?, _ body: (inout Element) -> Result) -> Result? {
        guard var element = slot.take() else { return nil }
        defer { slot = element }
        return body(&element)
    }

    private func slot(_ index: Int) -> Int {
        // The capacity is a power of two.
        (self.head + index) & (self.slots.count - 1)
    }

    private mutating func grow() {
        let elements = self.elements
        self.slots = elements + [Element?](repeating: nil, count: max(16, self.slots.count))
        self.head = 0
    }
}
