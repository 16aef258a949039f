import KVStorage

extension Behavior {
    /// Promise 5: pages whose cursor can be given away.
    static let pages: [Behavior] = [
        Behavior("pages.exact", promise: 5, "Pages list every key once, by cursors that are kept as text.") { store in
            let storage = store.storage
            let keys = (0..<37).map { "p:\($0 % 5):\($0)" }
            try await storage.setItems((keys + ["q:1", "p"]).map { ($0, 1) })
            for limit in [1, 5, 36, 37, 100] {
                var listed: [String] = []
                var cursor: String?
                repeat {
                    let page = try await storage.getPage(of: "p", after: cursor, limit: limit)
                    listed += page.keys
                    if store.capabilities.contains(.orderedKeys) {
                        try expect(page.keys.count <= limit, "at most \(limit) keys, got \(page.keys.count)")
                        let isLast = page.cursor == nil
                        try expect(isLast || page.keys.count == limit, "\(limit) keys, got \(page.keys.count)")
                    }
                    try expect(page.cursor == nil || page.cursor != cursor, "a cursor that goes on")
                    cursor = page.cursor
                } while cursor != nil
                try expectKeys(listed, keys, "the keys by pages of \(limit)")
            }
        },
        Behavior(
            "pages.kept", promise: 5, "A cursor stands for a key: what comes and goes before it changes nothing.",
            requires: { $0.isWritable && $0.contains(.orderedKeys) }
        ) { store in
            let storage = store.storage
            try await storage.setItems(["b", "d", "f", "h"].map { ("p:\($0)", 1) })
            let first = try await storage.getPage(of: "p", limit: 2)
            try expectEqual(first.keys, ["p:b", "p:d"], "the first page")
            try await storage.setItem("p:a", 1)
            try await storage.removeItem("p:d")
            try await storage.setItem("p:e", 1)
            let second = try await storage.getPage(of: "p", after: first.cursor, limit: 2)
            try expectEqual(second.keys, ["p:e", "p:f"], "the second page")
        },
        Behavior(
            "pages.anyKey", promise: 5, "Where keys are in order any key is a cursor: what comes after it is listed.",
            scope: .driver, requires: { $0.isWritable && $0.contains(.orderedKeys) }
        ) { store in
            try await store.storage.setItems(["b", "d", "d:x", "f", "h"].map { ("p:\($0)", 1) })
            for (cursor, expected) in [
                ("p:a", ["p:b", "p:d", "p:d:x", "p:f", "p:h"]), ("p:d", ["p:d:x", "p:f", "p:h"]),
                ("p:e", ["p:f", "p:h"]), ("p:h", []),
            ] {
                var query = KeyQuery(base: "p:", limit: 1, cursor: cursor)
                var listed: [String] = []
                var steps = 0
                while steps < 20 {
                    steps += 1
                    let page = try await store.driver.getKeys(query)
                    listed += page.keys
                    guard let next = page.cursor else { break }
                    query = KeyQuery(base: "p:", limit: 2, cursor: next)
                }
                try expectEqual(listed, expected, "the keys after \(cursor)")
            }
        },
        Behavior(
            "pages.madeUp", promise: 12, "A cursor that somebody made up throws invalidOption, or stays in its base.",
            limit: .seconds(60)
        ) { store in
            let storage = store.storage
            try await storage.setItems(["a:1", "b:1", "b:2", "c:1"].map { ($0, 1) })
            let real = try await storage.getPage(of: "a", limit: 1).cursor
            let other = try await storage.getPage(of: "", limit: 1).cursor
            for cursor in ["", "x", "!", "AQAB", "AQABYToxCg", "AAAA", real, other].compactMap(\.self) {
                do throws(StorageError) {
                    var next: String? = cursor
                    var listed: [String] = []
                    while let cursor = next {
                        let page = try await storage.getPage(of: "b", after: cursor, limit: 1)
                        listed += page.keys
                        next = page.cursor
                    }
                    if let key = listed.first(where: { !keyHasPrefix($0, "b:") }) {
                        throw StorageError(.corrupted, "the cursor led out of its base", key: key)
                    }
                } catch {
                    try expectEqual(error.code, .invalidOption, "the code for the cursor \(cursor.debugDescription)")
                }
            }
            try await expectThrows(.invalidOption, "a page of nothing") { try await storage.getPage(limit: 0) }
        },
        Behavior(
            "pages.snapshotFile", promise: 2, "A snapshot's file restores what it was made of; a damaged one throws."
        ) { store in
            let storage = store.storage
            for number in 0..<20 {
                let ttl = number.isMultiple(of: 3) ? TTL.seconds(3600) : .forever
                try await storage.setItemRaw(
                    "from:\(number)", Array(repeating: UInt8(number), count: number * 3), ttl: ttl)
            }
            var file: [UInt8] = []
            for try await block in storage.streamSnapshot("from") { file += block }
            let read = try Snapshot(bytes: file)
            try expectKeys(read.items.map(\.key), (0..<20).map { "\($0)" }, "the keys in the file")
            // In pieces, as it comes from a disk or a network.
            let pieces = AsyncStream<[UInt8]> { continuation in
                for start in stride(from: 0, to: file.count, by: 17) {
                    continuation.yield(Array(file[start..<min(start + 17, file.count)]))
                }
                continuation.finish()
            }
            try await storage.restoreSnapshot(from: pieces, to: "to")
            let entries = try await storage.getEntriesRaw((0..<20).flatMap { ["from:\($0)", "to:\($0)"] })
            for number in 0..<20 {
                try expectEqual(entries[2 * number + 1]?.value, entries[2 * number]?.value, "the bytes of \(number)")
                let deadlines = [entries[2 * number], entries[2 * number + 1]].map { $0?.meta.deadline != nil }
                try expectEqual(deadlines[1], deadlines[0], "whether \(number) has a deadline")
            }
            for position in stride(from: 0, to: file.count, by: max(1, file.count / 50)) {
                var damaged = file
                damaged[position] ^= 0x10
                do throws(StorageError) {
                    _ = try Snapshot(bytes: damaged)
                    throw StorageError(.conflict, "byte \(position) of \(file.count) was changed without an error")
                } catch {
                    try expect(
                        [.corrupted, .incompatibleFormat].contains(error.code), "an error of damage, got \(error)")
                }
            }
            try await expectThrows(.corrupted, "a file that ends early") { _ = try Snapshot(bytes: file.dropLast()) }
        },
    ]
}
