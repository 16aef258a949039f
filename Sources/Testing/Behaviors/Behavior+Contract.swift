import KVStorage

extension Behavior {
    /// What `StorageDriver` asks beyond what `Storage` shows; the driver itself is asked.
    static let contract: [Behavior] = [
        driver(
            "declares", 11, "A driver has a name, and events exactly if it declares watching.", requires: { _ in true }
        ) { driver in
            try expect(!driver.name.isEmpty, "a name")
            try expectEqual(driver.events == nil, driver.capabilities.watching == .none, "whether it has no events")
            try expectEqual(driver.capabilities, driver.capabilities, "the capabilities, asked twice")
        },
        driver("pages", 5, "A page holds at most as many keys as asked; the cursor leads to the end.") { driver in
            let keys = (0..<25).map { "p:\($0 % 4):\($0)" }
            for key in keys + ["q", "p", "pp:a"] { try await driver.setItem(key, [1], WriteOptions()) }
            for limit in [1, 2, 5, 24, 25, 26, 1000] {
                let listed = try await list(driver, KeyQuery(base: "p:", limit: limit))
                try expectKeys(listed, keys, "the keys below p by pages of \(limit)")
                let branch = try await list(driver, KeyQuery(base: "p:3:", limit: limit))
                try expectKeys(branch, keys.filter { $0.hasPrefix("p:3:") }, "the keys below p:3 by pages of \(limit)")
                let shallow = try await list(driver, KeyQuery(maxDepth: 1, limit: limit))
                try expectKeys(shallow, ["q", "p", "pp:a"], "the keys to depth 1 by pages of \(limit)")
            }
        },
        driver("depths", 5, "maxDepth counts colons from the driver's root, whatever the base; nothing deeper comes.") {
            driver in
            let keys = ["a", "p", "p:a", "p:b", "p:b:c", "p:b:c:d", "p:e:f", "p:e:f:g", "q:a", "pp:a:b"]
            for key in keys { try await driver.setItem(key, [1], WriteOptions()) }
            for base in ["", "p:", "p:b:", "p:b:c:", "q:"] {
                for depth in 0...4 {
                    for limit in [1, 3, 1000] {
                        let query = KeyQuery(base: base, maxDepth: depth, limit: limit)
                        let what = "the keys below \(base.debugDescription) to depth \(depth) by pages of \(limit)"
                        try expectKeys(try await list(driver, query), keys.filter(query.matches), what)
                    }
                }
            }
        },
        driver("swapsTell", 8, "A swap that fails tells what is there.") { driver in
            let options = WriteOptions()
            let absent = try await driver.compareAndSwapItem("k", expected: [1], replacement: [2], options)
            try expectEqual(absent, .mismatch(current: nil), "a swap of an absent item")
            let created = try await driver.compareAndSwapItem("k", expected: nil, replacement: [1, 2], options)
            try expectEqual(created, .swapped, "a swap of no item for one")
            let present = try await driver.compareAndSwapItem("k", expected: nil, replacement: [3], options)
            try expectEqual(present, .mismatch(current: [1, 2]), "a swap that expects no item")
            let other = try await driver.compareAndSwapItem("k", expected: [1], replacement: nil, options)
            try expectEqual(other, .mismatch(current: [1, 2]), "a removal that expects other bytes")
            let removed = try await driver.compareAndSwapItem("k", expected: [1, 2], replacement: nil, options)
            try expectEqual(removed, .swapped, "a removal")
        },
        driver("applies", 3, "A batch is carried out in order, and tells which removals found their item.") {
            driver in
            let options = WriteOptions()
            try await driver.setItem("a", [1], options)
            let found = try await driver.apply([
                .remove(key: "a"), .set(key: "b", value: [2], options: options), .remove(key: "b"),
                .remove(key: "absent"),
                .set(key: "a", value: [3], options: options), .set(key: "c", value: [4], options: options),
                .set(key: "c", value: [5], options: options), .remove(key: "a"),
                .set(key: "a", value: [6], options: options),
            ])
            let expected = [true, true, true, false, true, true, true, true, true]
            try expectEqual(found, expected, "what each write answers")
            try expectEqual(try await driver.getItems(["a", "b", "c"]), [[6], nil, [5]], "the items")
            try expectEqual(try await driver.apply([]), [], "what an empty batch answers")
        },
        Behavior(
            "contract.appliesOptions",
            promise: 4,
            "Each write of a batch has its own lifetime.",
            scope: .driver,
            movesClock: true
        ) { store in
            let driver = store.driver
            try await driver.setItem("kept", [1], WriteOptions(ttl: .seconds(30)))
            _ = try await driver.apply([
                .set(key: "short", value: [1], options: WriteOptions(ttl: .seconds(10))),
                .set(key: "long", value: [1], options: WriteOptions(ttl: .seconds(60))),
                .set(key: "ever", value: [1], options: WriteOptions()),
                .set(key: "kept", value: [2], options: WriteOptions(ttl: .keep(orElse: .seconds(600)))),
            ])
            store.clock.advance(by: .seconds(10))
            try expectKeys(try await list(driver, KeyQuery()), ["long", "ever", "kept"], "the keys after 10 s")
            store.clock.advance(by: .seconds(20))
            try expectKeys(try await list(driver, KeyQuery()), ["long", "ever"], "the keys after 30 s")
            store.clock.advance(by: .seconds(30))
            try expectKeys(try await list(driver, KeyQuery()), ["ever"], "the keys after 60 s")
        },
        driver("clears", 6, "clear removes exactly what is below the base and counts it.") { driver in
            for key in ["a", "a:b", "a:b:c", "ab", "b"] { try await driver.setItem(key, [1], WriteOptions()) }
            try expectEqual(try await driver.clear("a:"), 2, "what clear counts")
            try expectKeys(try await list(driver, KeyQuery()), ["a", "ab", "b"], "the keys that are left")
            try expectEqual(try await driver.clear(""), 3, "what clearing everything counts")
            try expectKeys(try await list(driver, KeyQuery()), [], "the keys that are left")
        },
        driver("answers", 7, "hasItem, getItems, takeItem and setMeta tell of absence by their answers.") { driver in
            try await driver.setItem("k", [1], WriteOptions())
            try expectEqual(try await driver.hasItem("k"), true, "hasItem of an item that is there")
            try expectEqual(try await driver.hasItem("absent"), false, "hasItem of an absent one")
            try expectEqual(try await driver.getItems(["absent", "k", "k"]), [nil, [1], [1]], "getItems")
            try expectEqual(try await driver.getItems([]), [], "getItems of nothing")
            try expectEqual(try await driver.takeItem("absent"), nil, "takeItem of an absent one")
            try expectEqual(try await driver.takeItem("k"), [1], "takeItem")
            if driver.capabilities.contains(.customMetadata) {
                try expectEqual(try await driver.setMeta("k", [1]), false, "setMeta of an absent one")
            }
        },
        driver("closed", 12, "After dispose every call of the driver throws closed.") { driver in
            try await driver.setItem("k", [1], WriteOptions())
            try await driver.dispose()
            try await driver.dispose()
            try await expectThrows(.closed, "getItem") { try await driver.getItem("k") }
            try await expectThrows(.closed, "hasItem") { try await driver.hasItem("k") }
            try await expectThrows(.closed, "getItems") { try await driver.getItems(["k"]) }
            try await expectThrows(.closed, "setItem") { try await driver.setItem("k", [1], WriteOptions()) }
            try await expectThrows(.closed, "removeItem") { try await driver.removeItem("k") }
            try await expectThrows(.closed, "compareAndSwapItem") {
                try await driver.compareAndSwapItem("k", expected: nil, replacement: [1], WriteOptions())
            }
            try await expectThrows(.closed, "touchItem") { try await driver.touchItem("k", ttl: .forever) }
            try await expectThrows(.closed, "getMeta") { try await driver.getMeta("k") }
            try await expectThrows(.closed, "getKeys") { try await driver.getKeys(KeyQuery()) }
            try await expectThrows(.closed, "apply") { try await driver.apply([.remove(key: "k")]) }
            try await expectThrows(.closed, "takeItem") { try await driver.takeItem("k") }
            try await expectThrows(.closed, "incrementItem") {
                try await driver.incrementItem("k", by: 1, WriteOptions())
            }
            try await expectThrows(.closed, "clear") { try await driver.clear("") }
        },
    ]

    /// What drivers do that refuse or discard what is written.
    static let refusing: [Behavior] = [
        Behavior(
            "refusing.readOnly",
            promise: 12,
            "A read-only driver throws readOnly at every write.",
            requires: { $0.contains(.readOnly) }
        ) { store in
            // A take of what is absent writes nothing, and so has nothing to refuse.
            for call in NamedCall.writes where call.name != "takeItem" {
                try await expectThrows(.readOnly, call.name) { try await call.body(store.storage, "k") }
            }
            for call in NamedCall.reads { try await call.body(store.storage, "k") }
            try await expectThrows(.readOnly, "clear") { try await store.storage.clear() }
            try expectKeys(try await store.storage.getKeys(), [], "the keys")
        },
        Behavior(
            "refusing.discards",
            promise: 12,
            "A driver that discards takes every write and keeps none.",
            requires: { $0.contains(.discards) && !$0.contains(.readOnly) }
        ) { store in
            for call in NamedCall.all {
                try await call.body(store.storage, "k")
                try expectEqual(try await store.storage.hasItem("k"), false, "the item after \(call.name)")
            }
            try expectKeys(try await store.storage.getKeys(), [], "the keys")
            try expectEqual(try await store.storage.clear(), 0, "what clear counts")
        },
    ]

    private static func driver(
        _ name: String,
        _ promise: Int,
        _ sentence: String,
        requires: @escaping @Sendable (Capabilities) -> Bool = { $0.isWritable },
        _ body: @escaping @Sendable (any StorageDriver) async throws -> Void
    ) -> Behavior {
        Behavior("contract.\(name)", promise: promise, sentence, scope: .driver, requires: requires) { store in
            try await body(store.driver)
        }
    }

    private static func list(_ driver: any StorageDriver, _ query: KeyQuery) async throws -> [String] {
        var query = query
        var keys: [String] = []
        var pages = 0
        repeat {
            let page = try await driver.getKeys(query)
            try expect(page.keys.count <= query.limit, "at most \(query.limit) keys in a page, got \(page.keys.count)")
            keys += page.keys
            pages += 1
            // A page may be empty, but no engine of a few dozen items needs thousands of them.
            try expect(pages <= 10_000, "an end of the listing; got \(pages) pages, the last keys \(keys.suffix(3))")
            query.cursor = page.cursor
        } while query.cursor != nil
        return keys
    }
}
