import KVStorage

extension Capabilities {
    /// Returns which declarations keep a driver from being asked something, given what is asked of capabilities.
    ///
    /// A requirement is a closure, so this tries which fewest changes would satisfy it: also those of a stranger's behaviours
    /// are explained.
    func reasonToSkip(_ isEnough: (Capabilities) -> Bool) -> String {
        let changes = Change.all.filter { change in
            var changed = self
            change.apply(&changed)
            return changed != self
        }
        for count in 1...4 {
            if let found = Self.firstCombination(of: count, from: changes[...], on: self, isEnough) {
                return "the driver " + found.map(\.reason).joined(separator: ", and ")
            }
        }
        return "the driver's capabilities are not those that it needs"
    }

    private static func firstCombination(
        of count: Int,
        from changes: ArraySlice<Change>,
        on capabilities: Capabilities,
        _ isEnough: (Capabilities) -> Bool
    ) -> [Change]? {
        if count == 0 { return isEnough(capabilities) ? [] : nil }
        for (index, change) in zip(changes.indices, changes) {
            var changed = capabilities
            change.apply(&changed)
            let rest = changes[(index + 1)...]
            if let found = self.firstCombination(of: count - 1, from: rest, on: changed, isEnough) {
                return [change] + found
            }
        }
        return nil
    }
}

/// Another declaration, and why the driver's own keeps it from being asked.
private struct Change {
    let reason: String
    let apply: (inout Capabilities) -> Void

    static var all: [Change] {
        [
            Change(reason: "does not declare atomicCommit") { $0.features.insert(.atomicCommit) },
            Change(reason: "does not declare wholeReads") { $0.features.insert(.wholeReads) },
            Change(reason: "does not declare interprocess") { $0.features.insert(.interprocess) },
            Change(reason: "does not declare orderedKeys") { $0.features.insert(.orderedKeys) },
            Change(reason: "does not declare customMetadata") { $0.features.insert(.customMetadata) },
            Change(reason: "declares no watching of its own") { $0.watching = max($0.watching, .local) },
            Change(reason: "does not declare external watching") { $0.watching = .external },
            Change(reason: "declares no durability") { $0.durability = max($0.durability, .processCrash) },
            Change(reason: "does not declare durability beyond power loss") { $0.durability = .powerLoss },
            Change(reason: "declares no small maximumKeyBytes") { $0.maximumKeyBytes = 64 },
            Change(reason: "declares no small maximumValueBytes") { $0.maximumValueBytes = 64 },
            Change(reason: "declares a small maximumKeyBytes") { $0.maximumKeyBytes = nil },
            Change(reason: "declares a small maximumValueBytes") { $0.maximumValueBytes = nil },
            Change(reason: "declares readOnly") { $0.features.remove(.readOnly) },
            Change(reason: "does not declare readOnly") { $0.features.insert(.readOnly) },
            Change(reason: "declares discards") { $0.features.remove(.discards) },
            Change(reason: "does not declare discards") { $0.features.insert(.discards) },
            Change(reason: "declares customMetadata") { $0.features.remove(.customMetadata) },
            Change(reason: "declares atomicCommit") { $0.features.remove(.atomicCommit) },
            Change(reason: "declares evicts") { $0.features.remove(.evicts) },
            Change(reason: "does not declare evicts") { $0.features.insert(.evicts) },
            Change(reason: "declares watching of its own") { $0.watching = .none },
        ]
    }
}

/// The wider of the two.
private func max(_ left: Capabilities.Watching, _ right: Capabilities.Watching) -> Capabilities.Watching {
    left == .none ? right : left
}
