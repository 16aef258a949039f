import KVStorage

extension Behavior {
    /// Promise 6: removing a branch.
    static let clearing: [Behavior] = [
        Behavior(
            "clearing.exactlyWhatIsListed", promise: 6, "clear removes exactly what getKeys lists and tells how many."
        ) { store in
            let keys = [
                "foo", "foobar", "foo:bar", "foo:bar:baz", "foo:barbaz", "fo:o", "bar:foo", "foo;x", "foo9:a",
                "Foo:bar",
            ]
            for base in ["foo", "foo:bar", "/foo/", "fo", "absent", "f", "foo:b", "foo:bar:baz", ""] {
                for key in keys { try await store.storage.setItem(key, key) }
                let listed = try await store.storage.getKeys(base)
                try expectEqual(try await store.storage.clear(base), listed.count, "what clear(\(base)) counts")
                let rest = keys.filter { !listed.contains($0) }
                try expectKeys(try await store.storage.getKeys(), rest, "the keys after clear(\(base))")
                for key in rest { try expectEqual(try await store.storage.getItem(key), key, "the value of \(key)") }
                try expectEqual(try await store.storage.clear(base), 0, "what clear(\(base)) counts the second time")
            }
        },
        Behavior("clearing.itemAtBase", promise: 6, "clear leaves the item at the base itself.") { store in
            for key in ["a", "a:b", "a:b:c"] { try await store.storage.setItem(key, key) }
            try expectEqual(try await store.storage.clear("a:b"), 1, "what clear(a:b) counts")
            try expectEqual(try await store.storage.getItem("a:b"), "a:b", "the item at the base")
            try expectEqual(try await store.storage.clear("a"), 1, "what clear(a) counts")
            try expectEqual(try await store.storage.getItem("a"), "a", "the item at the base")
        },
        Behavior("clearing.literalBase", promise: 6, "No character of a base is a pattern to clear.") { store in
            let names = [
                "a%", "a_", "a*", "a^", "a[b]", "ab", "a", "%", "_", "*", "a'b", "A%", "cafe\u{301}", "caf\u{E9}",
            ]
            for name in names { try await store.storage.setItem("\(name):x", 1) }
            var rest = names
            for name in ["a%", "_", "*", "a[b]", "%", "a'b", "caf\u{E9}", "a_", "a*"] {
                try expectEqual(try await store.storage.clear(name), 1, "what clear(\(name)) counts")
                rest.removeAll { $0.utf8.elementsEqual(name.utf8) }
                try expectKeys(
                    try await store.storage.getKeys(), rest.map { "\($0):x" }, "the keys after clear(\(name))")
            }
        },
        Behavior("clearing.boundaries", promise: 6, "clear spares what is near the base in the order of bytes.") {
            store in
            for key in AwkwardKeys.neighbours { try await store.storage.setItem(key, 1) }
            let below = AwkwardKeys.neighbours.filter { $0.utf8.starts(with: "a:".utf8) }
            let rest = AwkwardKeys.neighbours.filter { !$0.utf8.starts(with: "a:".utf8) }
            try expectEqual(try await store.storage.clear("a"), below.count, "what clear(a) counts")
            try expectKeys(try await store.storage.getKeys(), rest, "the keys that are left")
        },
        Behavior("clearing.many", promise: 6, "clear removes thousands of items completely.") { store in
            let items = (0..<2500).map { ("n:\($0 % 10):\($0)", $0) }
            try await store.storage.setItems(items + [("m", 1), ("o", 1)])
            try expectEqual(try await store.storage.clear("n:3"), 250, "what clear(n:3) counts")
            try expectEqual(try await store.storage.clear("n"), 2250, "what clear(n) counts")
            try expectKeys(try await store.storage.getKeys(), ["m", "o"], "the keys that are left")
        },
        Behavior("clearing.withLifetimes", promise: 6, "clear does not count what has expired.", movesClock: true) {
            store in
            for number in 0..<10 {
                try await store.storage.setItem("a:\(number)", 1, ttl: number < 4 ? .seconds(60) : .seconds(600))
            }
            store.clock.advance(by: .seconds(60))
            try expectEqual(try await store.storage.clear("a"), 6, "what clear counts")
            try expectKeys(try await store.storage.getKeys(), [], "the keys")
        },
        Behavior(
            "clearing.whileWriting", promise: 6,
            "clear spares concurrent writes beside the base and loses none of them."
        ) { store in
            let storage = store.storage
            let written = try await concurrently(8) { number -> Int in
                var written = 0
                for round in 0..<40 {
                    if number < 2 {
                        try await storage.clear("a")
                    } else {
                        try await storage.setItem("a:\(number):\(round)", 1)
                        try await storage.setItem("ab:\(number):\(round)", 1)
                        written += 1
                    }
                }
                return written
            }
            try expectEqual(
                try await storage.getKeys("ab").count, written.reduce(0, +), "the number of items beside the base")
            let left = try await storage.getKeys("a").count
            try expectEqual(try await storage.clear("a"), left, "what the last clear counts")
        },
    ]
}
