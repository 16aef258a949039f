package import KVStorage

/// Keys for listing: groups of 100 items each.
package struct Listing: Sendable {
    package let groups: Int
    package static let itemsPerGroup = 100

    package init(groups: Int) {
        self.groups = groups
    }

    /// The groups' bases, as in `team:000042`.
    package var bases: [String] { (0..<self.groups).map(Self.base) }

    /// The keys of one group, as in `team:000042:user:000007:profile`.
    package static func keys(ofGroup group: Int) -> [String] {
        (0..<self.itemsPerGroup).map { "\(self.base(group)):user:\(self.padded($0)):profile" }
    }

    private static func base(_ group: Int) -> String { "team:\(self.padded(group))" }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}

extension Storage {
    /// Stores all items of the listing, many groups at a time.
    package func fill(_ listing: Listing) async throws {
        for start in stride(from: 0, to: listing.groups, by: 100) {
            let groups = start..<min(start + 100, listing.groups)
            try await self.setItemsRaw(groups.flatMap(Listing.keys(ofGroup:)).map { ($0, [UInt8]("{}".utf8)) })
        }
    }
}
