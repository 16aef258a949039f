import KVStorage

extension Behavior {
    /// Promise 1: which keys there are, and which are the same.
    static let keys: [Behavior] = [
        Behavior(
            "keys.normalForm",
            promise: 1,
            "Keys normalise: cut at the first ?, / and \\ as colons, runs of colons one, none at the ends."
        ) { store in
            let spellings: [(written: String, normal: String)] = [
                ("foo", "foo"), ("foo:", "foo"), (":foo", "foo"), (":/\\foo:\\/", "foo"), ("foo?q=1", "foo"),
                ("foo?q=1/bar", "foo"), ("foo:bar", "foo:bar"), ("/foo/bar", "foo:bar"), ("foo/bar", "foo:bar"),
                ("foo\\bar", "foo:bar"), ("foo//bar", "foo:bar"), ("foo::bar", "foo:bar"), ("C:\\x\\y", "C:x:y"),
                ("http://x/y?z", "http:x:y"), ("a?b?c", "a"), ("a/b/?c", "a:b"), ("a/b/", "a:b"), ("..", ".."),
                ("../x", "..:x"), ("a/../b", "a:..:b"), ("a/./b", "a:.:b"), (".", "."), ("./x", ".:x"),
                (" Foo ", " Foo "), (" / a", " : a"), ("FOO", "FOO"), ("a%2Fb", "a%2Fb"), ("a#b", "a#b"),
                ("a*b", "a*b"), ("a b", "a b"), ("\n/x\n", "\n:x\n"),
            ]
            for (number, (written, normal)) in spellings.enumerated() {
                try await store.storage.setItemRaw(written, [UInt8(number)])
                let stored = try await store.storage.getItemRaw(normal)
                try expectEqual(stored, [UInt8(number)], "\(normal), written as \(written.debugDescription)")
                let again = try await store.storage.getItemRaw(written)
                try expectEqual(again, [UInt8(number)], "\(written.debugDescription), read as it was written")
            }
            try expectKeys(
                try await store.storage.getKeys(),
                Array(Set(spellings.map(\.normal))),
                "the normal forms of all keys that were written"
            )
        },
        Behavior(
            "keys.refused",
            promise: 1,
            "Empty keys, keys with NUL and keys that end in $ throw invalidKey in every call, and nothing is stored."
        ) { store in
            for key in ["", "/", ":", "::", "?x", "\\", "a\0b", "\0", "foo$", "foo/$", "foo:$", "$", "foo$?x"] {
                try await expectRefused(key, by: store.storage)
            }
            try expectKeys(try await store.storage.getKeys(), [], "the keys after nothing but refused writes")
        },
        Behavior(
            "keys.mountPoint",
            promise: 1,
            "Keys that are a mount point throw invalidKey in every call, and nothing is stored."
        ) { store in
            try store.storage.mount("spot:on", .memory)
            try await expectRefused("spot:on", by: store.storage)
            try await expectRefused("/spot/on/", by: store.storage)
            try await store.storage.setItem("spot", "above")
            try await store.storage.setItem("spot:on:x", "below")
            try expectKeys(try await store.storage.getKeys(), ["spot", "spot:on:x"], "the keys around a mount point")
        },
        Behavior(
            "keys.refusedBases",
            promise: 1,
            "A base with NUL, or one that is not empty but normalises to nothing, throws invalidKey and reaches nothing."
        ) { store in
            let storage = store.storage
            try await storage.setItem("a:k", 1)
            for base in ["a\0b", "\0", "a:\0", "?", "/", ":", "?x", "\\", "//", "/?a"] {
                let name = base.debugDescription
                try await expectThrows(.invalidKey, "getKeys(\(name))") { try await storage.getKeys(base) }
                try await expectThrows(.invalidKey, "keys(in: \(name))") { try await collect(storage, base) }
                try await expectThrows(.invalidKey, "items(in: \(name))") {
                    for try await _ in storage.items(in: base, as: Int.self) {}
                }
                try await expectThrows(.invalidKey, "clear(\(name))") { try await storage.clear(base) }
                try await expectThrows(.invalidKey, "watch(\(name))") { try await storage.watch(base) }
                try await expectThrows(.invalidKey, "snapshot(\(name))") { try await storage.snapshot(base) }
                try await expectThrows(.invalidKey, "restoreSnapshot(to: \(name))") {
                    try await storage.restoreSnapshot(Snapshot(items: [.init(key: "new", value: [1])]), to: base)
                }
                try await expectThrows(.invalidKey, "mount(\(name))") { try storage.mount(base, .memory) }
                let views = [
                    storage.prefixed(base), storage.prefixed("a").prefixed(base), storage.prefixed(base).prefixed("a"),
                ]
                for view in views {
                    for call in NamedCall.all {
                        try await expectThrows(.invalidKey, "\(call.name) through a view of \(name)") {
                            try await call.body(view, "k")
                        }
                    }
                    try await expectThrows(.invalidKey, "getKeys of a view of \(name)") { try await view.getKeys() }
                    try await expectThrows(.invalidKey, "clear of a view of \(name)") { try await view.clear() }
                    try await expectThrows(.invalidKey, "watch of a view of \(name)") { try await view.watch() }
                }
            }
            try expectKeys(try await storage.getKeys(), ["a:k"], "the keys")
            try expectKeys(try await storage.prefixed("").getKeys(""), ["a:k"], "the keys of a view of everything")
        },
        Behavior(
            "keys.lookalikesInBatches",
            promise: 1,
            "Keys that look the same in other bytes are different items in one batch too."
        ) { store in
            let storage = store.storage
            let keys = AwkwardKeys.lookalikes + AwkwardKeys.lookalikes.map { "b:\($0):c" }
            try await storage.setItems(keys.enumerated().map { ($0.element, $0.offset) })
            let expected = keys.indices.map(Optional.some)
            try expectEqual(try await storage.getItems(keys, as: Int.self), expected, "the items, written in one batch")
            let backwards = Array(keys.reversed())
            let values = try await storage.getItems(backwards, as: Int.self)
            try expectEqual(values, expected.reversed(), "the items, asked for backwards")
            // Of each pair that looks the same the first is removed in one batch.
            let half = keys.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
            try expectEqual(try await storage.removeItems(half), half.count, "what removing half of them found")
            let rest = keys.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
            try expectKeys(try await storage.getKeys(), rest, "the keys that are left")
            for key in rest {
                let value = try await storage.getItem(key, as: Int.self)
                try expectEqual(value, keys.firstIndex { keysEqual($0, key) }, "the item \(key.debugDescription)")
            }
            try await storage.setItems([("caf\u{E9}", 1), ("cafe\u{301}", 2), ("caf\u{E9}", 3)])
            let twins = try await storage.getItems(["cafe\u{301}", "caf\u{E9}"], as: Int.self)
            try expectEqual(twins, [2, 3], "two keys that look the same, one of them twice in the batch")
        },
        roundTrip(
            "keys.canonicallyEquivalent", AwkwardKeys.lookalikes, "Two keys are equal when their UTF-8 bytes are."),
        roundTrip("keys.caseSensitive", AwkwardKeys.cases, "Keys that differ in case are two keys."),
        roundTrip("keys.unicode", AwkwardKeys.unicode, "Any Unicode, NUL apart, is a legal key."),
        roundTrip(
            "keys.controlCharacters", AwkwardKeys.controls, "Control characters other than NUL are legal in keys."),
        roundTrip("keys.joining", AwkwardKeys.joining, "Characters that join others are as legal as any."),
        roundTrip("keys.patterns", AwkwardKeys.patterns, "No character in a key is a pattern or a command."),
        roundTrip("keys.reservedNames", AwkwardKeys.reserved, "No name is kept for the engine, dots included."),
        roundTrip("keys.together", AwkwardKeys.all, "All keys live side by side."),
        Behavior("keys.branchAndItem", promise: 1, "A key and keys below it live side by side.") { store in
            let keys = ["foo", "foo:bar", "foo:bar:baz", "foo:bar:baz:qux"]
            for order in [keys, keys.reversed()] {
                for key in order { try await store.storage.setItem(key, "value of \(key)") }
                for key in keys {
                    let value: String? = try await store.storage.getItem(key)
                    try expectEqual(value, "value of \(key)", key)
                }
                try expectEqual(try await store.storage.removeItem("foo:bar"), true, "removing the middle one")
                let rest = ["foo", "foo:bar:baz", "foo:bar:baz:qux"]
                try expectKeys(try await store.storage.getKeys(), rest, "the others")
                for key in rest { try await store.storage.removeItem(key) }
                try expectKeys(try await store.storage.getKeys(), [], "the keys in the end")
            }
        },
        Behavior("keys.branchIsNoItem", promise: 1, "A branch is not an item.") { store in
            try await store.storage.setItem("foo:bar:baz", 1)
            for key in ["foo", "foo:bar", "foo:bar:ba", "foo:bar:baz:qux"] {
                try expectEqual(try await store.storage.hasItem(key), false, "hasItem(\(key))")
                try expectEqual(try await store.storage.getItemRaw(key), nil, "getItemRaw(\(key))")
                try expectEqual(try await store.storage.getMeta(key), nil, "getMeta(\(key))")
                try expectEqual(try await store.storage.removeItem(key), false, "removeItem(\(key))")
            }
            try expectEqual(try await store.storage.hasItem("foo:bar:baz"), true, "the item itself")
        },
        Behavior("keys.long", promise: 1, "A key is stored whole, or refused with invalidKey that names the limit.") {
            store in
            for length in [200, 255, 256, 300, 511, 512, 1024, 10_000] {
                for key in [String(repeating: "k", count: length), segments(length)] {
                    try await storeOrRefuse(key, in: store)
                }
            }
            // Equal but for the last of ten thousand bytes.
            let twin = String(repeating: "k", count: 9_999) + "j"
            try await storeOrRefuse(twin, in: store)
        },
        Behavior(
            "keys.exactLimit",
            promise: 1,
            "A key of the greatest length is stored; one byte more is refused.",
            requires: { $0.isWritable && ($0.maximumKeyBytes ?? .max) < 100_000 }
        ) { store in
            let limit = (store.capabilities.maximumKeyBytes ?? 0) - store.prefixBytes
            let longest = String(repeating: "m", count: limit)
            try await store.storage.setItem(longest, 1)
            try expectEqual(
                try await store.storage.getItem(longest, as: Int.self), 1, "the item of \(limit) bytes of key")
            try await expectThrows(.invalidKey, "setItem with one byte more") {
                try await store.storage.setItem(longest + "m", 2)
            }
            try expectKeys(try await store.storage.getKeys(), [longest], "the keys")
        },
        Behavior("keys.escaped", promise: 1, "StorageKey.escaped turns any string into one safe segment.") { store in
            var random = SeededGenerator(seed: 1)
            let alphabet = Array(":/\\?$%\0.ab \u{E9}\u{1F600}~".unicodeScalars)
            var expected: [String] = []
            var seen: Set<[UInt8]> = []
            for _ in 0..<100 {
                var scalars = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 0...8, using: &random) {
                    scalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
                }
                let text = String(scalars)
                let key = "u:\(StorageKey.escaped(text))"
                try await store.storage.setItemRaw(key, bytes(text))
                if seen.insert(bytes(text)).inserted { expected.append(key) }
            }
            let keys = try await store.storage.getKeys("u", maxDepth: 1)
            try expectKeys(keys, expected, "the keys, each one segment")
            for key in keys {
                let stored = try await store.storage.getItemRaw(key)
                let text = StorageKey.unescaped(String(decoding: key.utf8.dropFirst(2), as: UTF8.self))
                try expectEqual(stored, text.map(bytes), "the string that \(key) stands for")
            }
        },
    ]

    /// Returns a behaviour that writes items under all the keys and finds them all again, and removes them one by one.
    private static func roundTrip(_ name: String, _ keys: [String], _ sentence: String) -> Behavior {
        Behavior(name, promise: 1, sentence) { store in
            for (number, key) in keys.enumerated() { try await store.storage.setItem(key, number) }
            try expectKeys(try await store.storage.getKeys(), keys, "the keys that were written")
            for (number, key) in keys.enumerated() {
                let value = try await store.storage.getItem(key, as: Int.self)
                try expectEqual(value, number, "the item \(key.debugDescription)")
            }
            let values = try await store.storage.getItems(keys, as: Int.self)
            try expectEqual(values, Array(0..<keys.count), "the items read at once")
            for (number, key) in keys.enumerated() where number.isMultiple(of: 2) {
                try expectEqual(try await store.storage.removeItem(key), true, "removing \(key.debugDescription)")
            }
            let rest = keys.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
            try expectKeys(try await store.storage.getKeys(), rest, "the keys that are left")
            try expectEqual(try await store.storage.removeItems(rest), rest.count, "what removing the rest found")
        }
    }
}

/// A key of the given length in segments of ten bytes.
private func segments(_ length: Int) -> String {
    let text = String(repeating: "123456789:", count: length / 10 + 1)
    return String(decoding: text.utf8.prefix(length - 1), as: UTF8.self) + "e"
}

private func storeOrRefuse(_ key: String, in store: ConformanceStore) async throws {
    let limit = store.capabilities.maximumKeyBytes ?? .max
    let key = normalizeKey(key)
    if key.utf8.count + store.prefixBytes <= limit {
        try await store.storage.setItem(key, key)
        try expectEqual(try await store.storage.getItem(key, as: String.self), key, "the item")
        try expect(
            try await store.storage.getKeys().contains { $0.utf8.elementsEqual(key.utf8) }, "the key in the list")
        return
    }
    let error = try await expectThrows(.invalidKey, "setItem with a key of \(key.utf8.count) bytes") {
        try await store.storage.setItem(key, key)
    }
    try expect(error.message.contains("\(limit)"), "the limit, \(limit), in the message: \(error.message)")
}
