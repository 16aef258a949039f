/// The order in which eviction goes through the items: SIEVE (Zhang et al., NSDI 2024).
///
/// New items stand at the head. The hand goes from the tail to the head: an item that was used since it last passed is
/// spared once, the first that was not goes. Unlike LRU a read moves nothing.
struct SieveRing {
    private struct Link {
        var newer: Int32
        var older: Int32
    }

    private static let none: Int32 = -1
    private var links: ContiguousArray<Link> = []
    private var head = none
    private var tail = none
    private var next = none

    /// The item that the hand points at, or `nil` if there is none.
    var hand: Int? {
        let slot = self.next == Self.none ? self.tail : self.next
        return slot == Self.none ? nil : Int(slot)
    }

    /// Moves the hand on to the next newer item, from the newest to the oldest.
    mutating func advance() {
        guard let hand = self.hand else { return }
        self.next = self.links[hand].newer
    }

    mutating func insert(_ slot: Int) {
        while self.links.count <= slot { self.links.append(Link(newer: Self.none, older: Self.none)) }
        self.links[slot] = Link(newer: Self.none, older: self.head)
        if self.head != Self.none { self.links[Int(self.head)].newer = Int32(slot) }
        self.head = Int32(slot)
        if self.tail == Self.none { self.tail = Int32(slot) }
    }

    mutating func remove(_ slot: Int) {
        let link = self.links[slot]
        if self.next == Int32(slot) { self.next = link.newer }
        if link.newer == Self.none { self.head = link.older } else { self.links[Int(link.newer)].older = link.older }
        if link.older == Self.none { self.tail = link.newer } else { self.links[Int(link.older)].newer = link.newer }
    }
}
