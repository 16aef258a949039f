import KVStorage

extension Behavior {
    /// Promise 9: checks and writes that are one step.
    static let commits: [Behavior] =
        [
            Behavior("commits.oneKey", promise: 9, "A commit of one key writes if its requirement holds.") { store in
                let storage = store.storage
                let created = try await storage.commit {
                    $0.require("k", .absent)
                    $0.set("k", 1)
                }
                try expect(created, "a commit that requires an absent item")
                let again = try await storage.commit {
                    $0.require("k", .absent)
                    $0.set("k", 2)
                }
                try expectEqual(again, false, "the same once the item is there")
                let etag = ETag(of: bytes("1"))
                try expect(try await storage.setItem("k", 3, ifMatch: etag), "a write that the etag allows")
                try expectEqual(try await storage.setItem("k", 4, ifMatch: etag), false, "one that it does not")
                try expectEqual(try await storage.setItem("none", 4, ifMatch: etag), false, "one of an absent item")
                let removed = try await storage.commit {
                    $0.require("k", .bytes(bytes("3")))
                    $0.remove("k")
                }
                try expect(removed, "a removal of what has those bytes")
                try expectKeys(try await storage.getKeys(), [], "the keys")
                try expectEqual(
                    try await storage.commit { $0.require("k", .present) }, false, "a look at what is not there")
                try expect(try await storage.commit { $0.require("k", .absent) }, "a look at its absence")
            },
            Behavior(
                "commits.lifetimes", promise: 9, "What a commit writes has the lifetime that it was given.",
                movesClock: true
            ) { store in
                let storage = store.storage
                for key in ["kept", "touched", "until"] { try await storage.setItem(key, 1, ttl: .seconds(60)) }
                let deadline = store.clock.now.advanced(by: .seconds(40))
                for (key, ttl) in [("new", TTL.seconds(20)), ("kept", .keep), ("until", .until(deadline))] {
                    try expect(try await storage.commit { $0.set(key, 2, ttl: ttl) }, "a commit of \(key)")
                }
                try expect(try await storage.commit { $0.touch("touched", ttl: .seconds(30)) }, "a touch")
                try expect(try await storage.commit { $0.touch("none", ttl: .seconds(30)) }, "a touch of nothing")
                var remaining: [Duration?] = []
                for key in ["new", "kept", "until", "touched", "none"] {
                    remaining.append(try await storage.getMeta(key)?.ttl)
                }
                try expectEqual(
                    remaining, [.seconds(20), .seconds(60), .seconds(40), .seconds(30), nil], "what remains")
                try expect(
                    try await storage.commit { $0.set("kept", 3, ttl: .until(store.clock.now)) }, "a late commit")
                try expectEqual(try await storage.hasItem("kept"), false, "an item whose deadline has come")
            },
            Behavior("commits.refused", promise: 12, "A commit that can't be made throws, and nothing is written.") {
                store in
                let storage = store.storage
                try await storage.setItem("k", 1)
                try await expectThrows(.invalidOption, "two writes of a key") {
                    try await storage.commit {
                        $0.set("k", 2)
                        $0.remove("k")
                    }
                }
                try await expectThrows(.invalidOption, "a lifetime of nothing") {
                    try await storage.commit { $0.set("k", 2, ttl: .seconds(0)) }
                }
                try await expectThrows(.invalidKey, "a key that can't be one") {
                    try await storage.commit {
                        $0.set("k", 2)
                        $0.set("x$", 2)
                    }
                }
                try await expectThrows(.encoding, "a value that can't be expressed") {
                    try await storage.commit { $0.set("k", Double.nan) }
                }
                try expectEqual(try await storage.getItem("k"), 1, "the item")
                try expect(try await storage.commit { _ in }, "a commit of nothing")
            },
        ] + severalKeys

    private static func several(
        _ name: String,
        _ sentence: String,
        scope: Scope = .storage,
        requires: @escaping @Sendable (Capabilities) -> Bool = { _ in true },
        body: @escaping Body
    ) -> Behavior {
        Behavior(
            "commits.\(name)", promise: 9, sentence, scope: scope,
            requires: { $0.isWritable && $0.contains(.atomicCommit) && requires($0) }, body: body)
    }

    private static let severalKeys: [Behavior] = [
        several("severalKeys", "A commit of several keys is made whole, or not at all.") { store in
            let storage = store.storage
            try await storage.setItems([("a", 1), ("b", 2), ("gone", 0)])
            let moved = try await storage.commit {
                $0.require("a", .bytes(bytes("1")))
                $0.require("c", .absent)
                $0.require("gone", .present)
                $0.remove("a")
                $0.set("c", 3)
                $0.set("b", 4)
                $0.remove("gone")
                $0.remove("never")
            }
            try expect(moved, "a commit whose requirements hold")
            try expectEqual(
                try await storage.getItems(["a", "b", "c", "gone"], as: Int.self), [nil, 4, 3, nil], "the items")
            for (key, requirement) in [
                ("a", CommitBuilder.Requirement.present), ("b", .absent), ("c", .bytes([])), ("b", .etag(ETag(of: []))),
            ] {
                let isMade = try await storage.commit {
                    $0.require("c", .present)
                    $0.require(key, requirement)
                    $0.set("new", 1)
                    $0.remove("b")
                }
                try expectEqual(isMade, false, "a commit that requires \(requirement) of \(key)")
            }
            try expectKeys(try await storage.getKeys(), ["b", "c"], "the keys")
        },
        several("answers", "The driver says what was there, and which check did not hold.", scope: .driver) { store in
            let driver = store.driver
            try await driver.setItem("a", [1], WriteOptions())
            let writes: [Mutation] = [
                .set(key: "a", value: [2], options: WriteOptions()), .remove(key: "b"),
                .set(key: "c", value: [3], options: WriteOptions()), .touch(key: "d", ttl: .forever),
            ]
            let outcome = try await driver.commit(Commit(checks: [.init("b", .absent)], mutations: writes))
            try expectEqual(outcome, .committed(found: [true, false, false, false]), "what was there")
            let checks: [Commit.Check] = [.init("a", .bytes([2])), .init("c", .bytes([9])), .init("b", .present)]
            let mismatch = try await driver.commit(Commit(checks: checks, mutations: writes))
            try expectEqual(mismatch, .mismatch(index: 1, current: [3]), "the first check that did not hold")
            let looked = try await driver.commit(Commit(checks: [.init("a", .bytes([2])), .init("b", .absent)]))
            try expectEqual(looked, .committed(found: []), "a commit that only checks")
        },
        several(
            "fields", "A commit keeps or replaces custom fields together with the value.",
            scope: .driver,
            requires: { $0.contains(.customMetadata) }
        ) { store in
            let driver = store.driver
            let key = "k"
            for (fields, expected) in [
                (FieldChange.keep, nil), (.replace([1]), [1]), (.keep, [1]), (.replace(nil), nil),
                (.replace([2, 3]), [2, 3]),
            ] as [(FieldChange, [UInt8]?)] {
                let write = Mutation.set(key: key, value: [7], options: WriteOptions(), fields: fields)
                _ = try await driver.commit(Commit(mutations: [write, .remove(key: "other")]))
                try expectEqual(try await driver.getMeta(key)?.fieldBytes, expected, "the fields after \(fields)")
                let found = try await driver.apply([write, .remove(key: "other")])
                try expectEqual(found, [true, false], "what a batch answers")
                try expectEqual(try await driver.getMeta(key)?.fieldBytes, expected, "the fields after a batch")
            }
        },
        several(
            "events", "A commit emits one event for each item that it changed, none for others.",
            requires: {
                $0.watching != .none
            }
        ) { store in
            let storage = store.storage
            try await storage.setItems([("a", 1), ("b", 1), ("old", 1)])
            let recorder = EventRecorder(try await storage.watch())
            try expect(
                try await storage.commit {
                    $0.require("a", .present)
                    $0.set("a", 2)
                    $0.remove("old")
                    $0.remove("never")
                    $0.touch("b", ttl: .seconds(600))
                }, "a commit")
            _ = try await storage.commit {
                $0.require("a", .absent)
                $0.set("a", 3)
                $0.set("b", 3)
            }
            try await storage.setItem("end", 1)
            let events = try await recorder.eventsBefore("end")
            let expected: [StorageEvent] = [.update("a"), .remove("old", .removed), .update("b")]
            try expectEqual(Set(store.resolved(events, as: expected)), Set(expected), "the events")
            try expectEqual(events.count, 3, "their number, of \(events)")
        },
        several("seenWhole", "A commit is seen whole or not at all.", requires: { $0.contains(.wholeReads) }) { store in
            let storage = store.storage
            let keys = (0..<6).map { "k\($0)" }
            try await storage.setItems(keys.map { ($0, 0) })
            _ = try await concurrently(8) { task in
                for number in 0..<40 {
                    await Task.yield()
                    if task < 3 {
                        _ = try await storage.commit { builder in
                            for key in keys { builder.set(key, task * 1000 + number) }
                        }
                        continue
                    }
                    let values =
                        task < 6
                        ? try await storage.getItems(keys, as: Int.self)
                        : try await storage.getEntries(keys, as: Int.self).map { $0?.value }
                    try expectEqual(Set(values).count, 1, "the number of commits that one read saw, of \(values)")
                }
            }
        },
        several("racing", "What a commit checks holds in the instant of its writes.") { store in
            let storage = store.storage
            // Of two items exactly one may be there: whoever finds one absent sets it and removes the other.
            try await storage.setItem("left", 0)
            let made = try await concurrently(32) { task in
                var count = 0
                for number in 0..<12 {
                    await Task.yield()
                    let (from, to) = (task + number).isMultiple(of: 2) ? ("left", "right") : ("right", "left")
                    let isMade = try await storage.commit {
                        $0.require(from, .present)
                        $0.require(to, .absent)
                        $0.remove(from)
                        $0.set(to, number)
                    }
                    if isMade { count += 1 }
                }
                return count
            }
            try expect(made.reduce(0, +) > 0, "a commit that was made")
            try expectEqual(try await storage.getKeys().count, 1, "the number of items in the end")
        },
    ]
}
