import KVStorage

extension Behavior {
    /// Promises 1, 5 and 6: any key is a branch too, whatever characters it ends in and those below it begin with.
    ///
    /// They have a limit of their own: an engine that cuts such keys in the wrong place may list them without end.
    static let branches: [Behavior] = [
        branch("list", 5, "Below any key exactly the keys of its branch are listed.") { store in
            // All that join what is beside them; of the others, which behave alike, every fourth.
            let others = AwkwardKeys.all.enumerated().filter { $0.offset.isMultiple(of: 4) }.map(\.element)
            for base in AwkwardKeys.joining + others {
                let expected = below(base)
                let listed = try await collect(store.storage, base, atMost: AwkwardKeys.branches.count)
                try expectKeys(listed, expected, "the keys below \(base.debugDescription)")
                let query = KeyQuery(base: "\(base):", maxDepth: keyDepth(base) + 1)
                let shallow = try await store.storage.getKeys(base, maxDepth: query.maxDepth)
                try expectKeys(shallow, expected.filter(query.matches), "the children of \(base.debugDescription)")
            }
        },
        branch("pages", 5, "Pages of any size of any branch come to an end.") { store in
            let bases = AwkwardKeys.joining + AwkwardKeys.lookalikes + AwkwardKeys.neighbours
            for (number, base) in bases.enumerated() {
                let size = 1 + number % 3
                let listed = try await collect(store.storage, base, pageSize: size, atMost: AwkwardKeys.branches.count)
                try expectKeys(listed, below(base), "the keys below \(base.debugDescription) by pages of \(size)")
            }
        },
        branch("depths", 5, "To any depth exactly the keys of that depth are listed, and the listing ends.") { store in
            let all = AwkwardKeys.branches
            for depth in 0...4 {
                let expected = all.filter { keyDepth($0) <= depth }
                // Page by page of one key where there are few.
                for size in depth == 0 ? [1, 100] : [37, 1000] {
                    let listed = try await collect(store.storage, pageSize: size, maxDepth: depth, atMost: all.count)
                    try expectKeys(listed, expected, "the keys to depth \(depth) by pages of \(size)")
                }
                try expectKeys(
                    try await store.storage.getKeys("", maxDepth: depth), expected, "the keys to depth \(depth)")
            }
        },
        branch("clear", 6, "clear of any key removes exactly its branch.") { store in
            var rest = AwkwardKeys.branches
            for (number, base) in AwkwardKeys.all.enumerated() {
                let expected = rest.filter { keyHasPrefix($0, "\(base):") }
                rest.removeAll { keyHasPrefix($0, "\(base):") }
                let count = try await store.storage.clear(base)
                try expectEqual(count, expected.count, "what clear(\(base.debugDescription)) counts")
                guard number.isMultiple(of: 16) || base == AwkwardKeys.all.last else { continue }
                let listed = try await collect(store.storage, atMost: AwkwardKeys.branches.count)
                try expectKeys(listed, rest, "the keys after clear(\(base.debugDescription))")
            }
        },
        branch("prefixed", 1, "A view of any key lists, reads, writes and clears its branch.") { store in
            for base in AwkwardKeys.all {
                let view = store.storage.prefixed(base)
                let name = "the view of \(base.debugDescription)"
                let expected = below(base).map { keyDroppingPrefix($0, base.utf8.count + 1) }
                try expectKeys(
                    try await collect(view, atMost: AwkwardKeys.branches.count), expected, "the keys of \(name)")
                for child in AwkwardKeys.children {
                    let value = try await view.getItemRaw(child)
                    try expectEqual(value, bytes("\(base):\(child)"), "\(child.debugDescription) in \(name)")
                }
                try await view.setItemRaw("new", bytes("new below \(base)"))
                let value = try await store.storage.getItemRaw("\(base):new")
                try expectEqual(value, bytes("new below \(base)"), "the item written through \(name)")
                try expectEqual(try await view.removeItem("new"), true, "removing it through \(name)")
            }
            var left = AwkwardKeys.branches.count
            for base in AwkwardKeys.joining where !base.utf8.contains(UInt8(ascii: ":")) {
                let count = try await store.storage.prefixed(base).clear()
                try expectEqual(
                    count, AwkwardKeys.children.count, "what clearing the view of \(base.debugDescription) counts")
                left -= count
            }
            try expectEqual(try await collect(store.storage, atMost: left + 1).count, left, "the number of keys left")
        },
        Behavior(
            "branches.watch",
            promise: 11,
            "watch of any key tells of its branch alone.",
            limit: .seconds(120)
        ) { store in
            let bases = AwkwardKeys.joining + AwkwardKeys.lookalikes + AwkwardKeys.patterns
            var watchers: [(base: String, events: EventRecorder)] = []
            for base in bases { watchers.append((base, EventRecorder(try await store.storage.watch(base)))) }
            for base in bases {
                for child in ["child", "\u{301}c"] { try await store.storage.setItem("\(base):\(child)", 1) }
            }
            for base in bases { try await store.storage.setItem("\(base):end", 1) }
            for (base, events) in watchers {
                let expected = ["child", "\u{301}c"].map { "\(base):\($0)" }
                let keys = try await events.eventsBefore("\(base):end").compactMap(\.key)
                let told = store.capabilities.watching == .external ? once(keys) : keys
                try expectKeys(told, expected, "the keys of the events below \(base.debugDescription)")
            }
        },
    ]

    private static func branch(
        _ name: String,
        _ promise: Int,
        _ sentence: String,
        _ body: @escaping Body
    ) -> Behavior {
        Behavior("branches.\(name)", promise: promise, sentence, limit: .seconds(120)) { store in
            let items = AwkwardKeys.branches.map { ($0, bytes($0)) }
            for start in stride(from: 0, to: items.count, by: 200) {
                try await store.storage.setItemsRaw(Array(items[start..<min(start + 200, items.count)]))
            }
            try await body(store)
        }
    }

    private static func below(_ base: String) -> [String] {
        self.keysBelow[Array(base.utf8)] ?? []
    }

    /// What lies below each of the awkward keys, by the key's bytes; found once for all runs.
    private static let keysBelow: [[UInt8]: [String]] = {
        var below: [[UInt8]: [String]] = [:]
        for key in AwkwardKeys.branches {
            let bytes = Array(key.utf8)
            for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: ":") {
                below[Array(bytes[..<offset]), default: []].append(key)
            }
        }
        return below
    }()

    /// The keys without those that come again.
    static func once(_ keys: [String]) -> [String] {
        var seen: Set<[UInt8]> = []
        return keys.filter { seen.insert(Array($0.utf8)).inserted }
    }
}
