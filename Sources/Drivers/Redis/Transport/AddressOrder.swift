/// In which order the addresses of a name are tried, and how long each: one that swallows packets must not use up the time of
/// those behind it.
struct AddressOrder<Address: Hashable> {
    /// The one that is tried now, or that the connection is made to.
    private(set) var current: Address?
    private var rest: ArraySlice<Address> = []
    private var until = Instant.distantFuture
    /// Those that have failed since they last worked, the latest last; they are tried after the others.
    private var avoided: [Address] = []

    /// Begins an attempt with the addresses that were found, in the order of RFC 6724.
    mutating func begin(_ addresses: [Address], until: Instant) {
        self.avoided.removeAll { !addresses.contains($0) }
        self.rest = addresses.filter { !self.avoided.contains($0) }[...] + self.avoided
        self.until = until
        self.current = nil
    }

    /// Goes on to the next address and returns it with its share of the time that is left; `nil` if there is none.
    mutating func next(_ now: Instant) -> (address: Address, until: Instant)? {
        let count = Int64(self.rest.count)
        self.current = self.rest.popFirst()
        guard let current = self.current else { return nil }
        guard self.until != .distantFuture, now < self.until else { return (current, self.until) }
        return (current, now.advanced(byNanoseconds: (self.until.nanoseconds - now.nanoseconds) / count))
    }

    /// The current one is tried last the next time.
    mutating func avoidCurrent() {
        guard let current = self.current else { return }
        self.avoided.removeAll { $0 == current }
        self.avoided.append(current)
    }

    /// The current one works.
    mutating func prefersCurrent() {
        self.avoided.removeAll { $0 == self.current }
    }
}
