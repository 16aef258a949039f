import KVStorage

extension Behavior {
    /// Promises 3 and 4: value and metadata that are of one and the same write.
    static let entries: [Behavior] = [
        Behavior(
            "entries.order", promise: 3,
            "getEntries answers in the order asked, one answer for each key, nil where there is none."
        ) { store in
            let storage = store.storage
            try await storage.setItems([("a", 1), ("b", 2), ("c:d", 3)])
            let entries = try await storage.getEntries(["c:d", "absent", "a", "a", "b"], as: Int.self)
            try expectEqual(entries.map { $0?.value }, [3, nil, 1, 1, 2], "the values")
            try expectEqual(try await storage.getEntries([], as: Int.self).count, 0, "the answers to nothing")
            try expectEqual(try await storage.getEntry("absent", as: Int.self)?.value, nil, "an absent item's value")
        },
        Behavior(
            "entries.meta", promise: 4, "An entry has the deadline, the size and the fields of its item.",
            movesClock: true
        ) { store in
            let storage = store.storage
            try await storage.setItemRaw("k", [1, 2, 3], ttl: .seconds(60))
            try await storage.setItemRaw("ever", [])
            let hasFields = store.capabilities.contains(.customMetadata)
            if hasFields { try await storage.setMeta("k", ["note": "kept"]) }
            store.clock.advance(by: .seconds(10))
            let entries = try await storage.getEntriesRaw(["k", "ever"])
            try expectEqual(entries.map { $0?.value }, [[1, 2, 3], []], "the bytes")
            try expectEqual(entries.map { $0?.meta.size ?? -1 }, [3, 0], "the sizes")
            let deadline = store.clock.now.advanced(by: .seconds(50))
            try expectEqual(entries.map { $0?.meta.deadline }, [deadline, nil], "the deadlines")
            try expectEqual(entries[0]?.meta.ttl, .seconds(50), "what remains")
            let meta = try await storage.getMeta("k")
            try expectEqual(entries[0]?.meta, meta, "what getMeta answers")
            let fields: [String: String]? = try entries[0]?.meta.fields()
            try expectEqual(fields, hasFields ? ["note": "kept"] : nil, "the fields")
            try expectEqual(entries[0]?.etag, ETag(of: [1, 2, 3]), "the etag")
            store.clock.advance(by: .seconds(50))
            try expectEqual(try await storage.getEntryRaw("k")?.value, nil, "an expired item's bytes")
        },
        Behavior(
            "entries.ofOneWrite", promise: 4,
            "Value and deadline of an entry are of the same write, while others write both."
        ) { store in
            let storage = store.storage
            let keys = ["a", "b"]
            // Odd values live forever, even ones have a deadline.
            let write: @Sendable (String, Int) async throws -> Void = { key, number in
                try await storage.setItem(key, number, ttl: number.isMultiple(of: 2) ? .seconds(3600) : .forever)
            }
            let check: @Sendable () async throws -> Void = {
                for entry in try await storage.getEntries(keys, as: Int.self) {
                    guard let entry else { throw ConformanceFailure("expected: an item, got none", at: nil) }
                    let hasDeadline = entry.meta.deadline != nil
                    try expectEqual(hasDeadline, entry.value.isMultiple(of: 2), "a deadline for \(entry.value)")
                }
            }
            for number in [1, 0] {
                for key in keys { try await write(key, number) }
                try await check()
            }
            _ = try await concurrently(8) { task in
                for number in 0..<60 {
                    if task < 4 { try await write(keys[task % 2], number) } else { try await check() }
                    await Task.yield()
                }
            }
        },
        Behavior(
            "entries.listed", promise: 5, "entries(in:) answers each item with its metadata, decoded when asked."
        ) { store in
            let storage = store.storage
            for number in 0..<25 { try await storage.setItem("e:\(number)", number) }
            try await storage.setItem("e:text", "no number")
            var sum = 0
            var failures: [String] = []
            for try await entry in storage.entries(in: "e", as: Int.self, pageSize: 7) {
                do throws(StorageError) { sum += try entry.value() } catch { failures.append(entry.key) }
            }
            try expectEqual(sum, 300, "the sum of the values")
            try expectEqual(failures, ["e:text"], "the items of another type")
        },
    ]
}
