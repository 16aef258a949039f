import KVStorage

extension Behavior {
    /// Promise 5: which keys are below a base.
    static let listing: [Behavior] = [
        Behavior("listing.wholeSegments", promise: 5, "getKeys lists whole segments below the base.") { store in
            let keys = [
                "foo", "foobar", "foo:bar", "foo:bar:baz", "foo:barbaz", "fo", "fo:o", "bar:foo", "foo;x", "foo9:a",
            ]
            for key in keys { try await store.storage.setItem(key, 1) }
            try expectKeys(try await store.storage.getKeys(), keys, "all keys")
            for base in ["foo", "foo:", "/foo/", "foo?x", ":foo"] {
                let below = ["foo:bar", "foo:bar:baz", "foo:barbaz"]
                try expectKeys(try await store.storage.getKeys(base), below, "the keys below \(base)")
            }
            try expectKeys(try await store.storage.getKeys("foo:bar"), ["foo:bar:baz"], "the keys below foo:bar")
            for base in ["foo:b", "f", "foo:bar:baz", "oo", "absent", "FOO"] {
                try expectKeys(try await store.storage.getKeys(base), [], "the keys below \(base)")
            }
            try expectKeys(try await store.storage.getKeys(""), keys, "the keys below the empty base")
        },
        Behavior(
            "listing.boundaries", promise: 5, "Only what is below the base is listed, whatever bytes come near it."
        ) { store in
            for key in AwkwardKeys.neighbours { try await store.storage.setItem(key, 1) }
            let below = AwkwardKeys.neighbours.filter { $0.utf8.starts(with: "a:".utf8) }
            try expectKeys(try await store.storage.getKeys("a"), below, "the keys below a")
            try expectKeys(try await store.storage.getKeys("a:\u{10FFFF}"), [], "the keys below the last character")
            try expectKeys(try await store.storage.getKeys("a!"), ["a!:b"], "the keys below a!")
        },
        Behavior("listing.literalBase", promise: 5, "No character of a base is a pattern.") { store in
            let names = [
                "a%", "a_", "a*", "a?".replacing("?", with: "^"), "a[b]", "ab", "abc", "a", "%", "_", "*", "a'b", "A%",
            ]
            for name in names { try await store.storage.setItem("\(name):x", 1) }
            for name in names {
                try expectKeys(try await store.storage.getKeys(name), ["\(name):x"], "the keys below \(name)")
            }
            for base in ["a%:", "%:x", "*:*", "a\\%"] where normalizeKey(base) != "a%" {
                try expectKeys(try await store.storage.getKeys(base), [], "the keys below \(base)")
            }
        },
        Behavior("listing.once", promise: 5, "No key is listed twice, however often it was written.") { store in
            var random = SeededGenerator(seed: 3)
            var present: Set<String> = []
            for number in 0..<600 {
                let key = "k\(Int.random(in: 0..<12, using: &random)):\(Int.random(in: 0..<4, using: &random))"
                switch Int.random(in: 0..<5, using: &random) {
                case 0:
                    try await store.storage.removeItem(key)
                    present.remove(key)
                    continue
                case 1: try await store.storage.setItem(key, number, ttl: .seconds(86_400))
                case 2: try await store.storage.updateItem(key, default: 0) { $0 = number }
                case 3: try await store.storage.setItems([(key, number), (key, number + 1)])
                default: try await store.storage.setItem(key, number)
                }
                present.insert(key)
            }
            try expectKeys(try await store.storage.getKeys(), Array(present), "all keys")
            let below = present.filter { $0.hasPrefix("k7:") }
            try expectKeys(try await store.storage.getKeys("k7"), Array(below), "the keys below k7")
        },
        Behavior(
            "listing.maxDepth", promise: 5, "maxDepth is the largest number of colons in a key, counted from the root."
        ) { store in
            let keys = ["a", "b", "a:b", "a:c", "a:b:c", "a:b:c:d", "a:b:c:d:e", "b:x:y", "ab:c"]
            for key in keys { try await store.storage.setItem(key, 1) }
            for base in ["", "a", "a:b", "a:b:c", "b", "ab", "absent"] {
                for depth in -1...6 {
                    let expected = keys.filter { key in
                        (base.isEmpty || key.hasPrefix("\(base):")) && key.count { $0 == ":" } <= depth
                    }
                    let listed = try await store.storage.getKeys(base, maxDepth: depth)
                    try expectKeys(listed, expected, "the keys below \(base.debugDescription) to depth \(depth)")
                }
            }
            try expectKeys(try await store.storage.getKeys("", maxDepth: Int.max), keys, "the keys to any depth")
            try expectKeys(try await store.storage.getKeys("", maxDepth: Int.min), [], "the keys to no depth")
        },
        Behavior("listing.manyBranches", promise: 5, "A branch among many is listed alone and complete.") { store in
            let items = (0..<300).flatMap { branch in (0..<4).map { ("users:\(branch):item:\($0)", branch) } }
            try await store.storage.setItems(items)
            for branch in [0, 1, 2, 10, 29, 100, 299] {
                let expected = (0..<4).map { "users:\(branch):item:\($0)" }
                try expectKeys(
                    try await store.storage.getKeys("users:\(branch)"), expected, "the keys of branch \(branch)")
            }
            try expectEqual(try await store.storage.getKeys("users").count, 1200, "the number of all keys")
            try expectKeys(try await store.storage.getKeys("users:30:item:1"), [], "the keys below an item")
        },
        Behavior("listing.prefixed", promise: 5, "A prefixed view lists and sees what is below it, by relative keys.") {
            store in
            for key in ["a", "a:b", "a:b:c", "ab:c", "b:a:b"] { try await store.storage.setItem(key, key) }
            let view = store.storage.prefixed("/a/")
            try expectKeys(try await view.getKeys(), ["b", "b:c"], "the keys of the view")
            try expectKeys(try await view.getKeys("b"), ["b:c"], "the keys below b")
            try expectKeys(try await view.getKeys("", maxDepth: 0), ["b"], "the keys of the view to depth 0")
            try expectEqual(try await view.getItem("b:c"), "a:b:c", "an item by its relative key")
            try await expectThrows(.invalidKey, "the empty key of the view") { try await view.getItemRaw("") }
            let deeper = view.prefixed("b")
            try expectKeys(try await deeper.getKeys(), ["c"], "the keys of a view of the view")
            try expectEqual(try await deeper.clear(), 1, "what clearing it counts")
            try expectKeys(try await store.storage.getKeys(), ["a", "a:b", "ab:c", "b:a:b"], "the keys of the storage")
        },
    ]
}
