import KVStorage

extension Behavior {
    /// Promise 9: reads and writes of several items that are one step.
    static let transactions: [Behavior] = [
        transaction("reads", "A transaction reads each key once, its own writes included.") { store in
            let storage = store.storage
            try await storage.setItems([("t:a", 1), ("t:b", 2)])
            let seen = try await storage.transaction("t") { transaction in
                let first = try await transaction.getItem("a", as: Int.self)
                try transaction.setItem("a", 10)
                try transaction.removeItem("b")
                try transaction.setItem("c", 3)
                let all = try await transaction.getItems(["a", "b", "c", "d"], as: Int.self)
                return [first] + all
            }
            try expectEqual(seen, [1, 10, nil, 3, nil], "what the body read")
            try expectEqual(
                try await storage.getItems(["t:a", "t:b", "t:c"], as: Int.self), [10, nil, 3], "the items")
        },
        transaction("rollsBack", "A body that throws changes nothing, and its error passes through.") { store in
            let storage = store.storage
            try await storage.setItems([("a", 1), ("b", 2)])
            struct Refusal: Error {}
            do {
                try await storage.transaction { transaction in
                    _ = try await transaction.getItem("a", as: Int.self)
                    try transaction.setItem("b", 3)
                    throw Refusal()
                }
                throw ConformanceFailure("expected: the body's error, got none", at: nil)
            } catch is Refusal {}
            try expectEqual(try await storage.getItems(["a", "b"], as: Int.self), [1, 2], "the items")
        },
        transaction("runsAgain", "A body whose reads no longer hold runs again, also if it throws.") { store in
            let storage = store.storage
            try await storage.setItems([("a", 1), ("b", 1)])
            struct Unequal: Error {}
            var runs = 0
            // Whoever reads a, then b, while both are written between may see what never was, and must not be believed.
            try await storage.transaction { transaction in
                runs += 1
                let first = try await transaction.getItem("a", as: Int.self)
                if runs == 1 { try await storage.setItems([("a", 2), ("b", 2)]) }
                let second = try await transaction.getItem("b", as: Int.self)
                if first != second { throw Unequal() }
                try transaction.setItem("sum", (first ?? 0) + (second ?? 0))
            }
            try expectEqual(runs, 2, "the number of runs")
            try expectEqual(try await storage.getItem("sum"), 4, "the sum of one state")
        },
        transaction("onlyReads", "A body that only reads sees one state.") { store in
            let storage = store.storage
            try await storage.setItems([("a", 0), ("b", 0)])
            _ = try await concurrently(8) { task in
                for number in 1...25 {
                    await Task.yield()
                    if task < 3 {
                        _ = try await storage.commit {
                            $0.set("a", task * 100 + number)
                            $0.set("b", task * 100 + number)
                        }
                        continue
                    }
                    let values = try await storage.transaction { transaction in
                        let first = try await transaction.getItem("a", as: Int.self)
                        let second = try await transaction.getItem("b", as: Int.self)
                        return [first, second]
                    }
                    try expectEqual(values[0], values[1], "what one transaction saw of both")
                }
            }
        },
        transaction("transfers", "Transfers between accounts by 64 tasks keep the sum.") { store in
            let storage = store.storage
            let accounts = (0..<20).map { "account:\($0)" }
            try await storage.setItems(accounts.map { ($0, 100) })
            _ = try await concurrently(64) { task in
                var random = SeededGenerator(seed: UInt64(task))
                for _ in 0..<4 {
                    let from = accounts[Int.random(in: 0..<20, using: &random)]
                    let to = accounts[Int.random(in: 0..<20, using: &random)]
                    if from == to { continue }
                    let amount = Int.random(in: 1...20, using: &random)
                    try await storage.transaction { transaction in
                        let balance = try await transaction.getItem(from, as: Int.self) ?? 0
                        let other = try await transaction.getItem(to, as: Int.self) ?? 0
                        guard balance >= amount else { return }
                        try transaction.setItem(from, balance - amount)
                        try transaction.setItem(to, other + amount)
                    }
                }
            }
            let balances = try await storage.getItems(accounts, as: Int.self).compactMap(\.self)
            try expectEqual(balances.reduce(0, +), 2000, "the sum of \(balances)")
            try expect(balances.allSatisfy { $0 >= 0 }, "no account below zero, got \(balances)")
        },
        transaction(
            "fair", "A slow transaction comes through beside fast writers of what it reads."
        ) {
            store in
            let storage = store.storage
            try await storage.setItems([("a", 0), ("b", 0)])
            let isDone = Shared(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in ["a", "b"] {
                    group.addTask {
                        while !isDone.withLock({ $0 }) {
                            try await storage.updateItem(key, default: 0) { $0 += 1 }
                            // Else nobody else has a turn on a driver that never waits.
                            await Task.yield()
                        }
                    }
                }
                try await storage.transaction { transaction in
                    let first = try await transaction.getItem("a", as: Int.self)
                    await Task.yield()
                    let second = try await transaction.getItem("b", as: Int.self)
                    try transaction.setItem("sum", (first ?? 0) + (second ?? 0))
                }
                isDone.withLock { $0 = true }
                try await group.waitForAll()
            }
            try expect(try await storage.hasItem("sum"), "the transaction's write")
        },
    ]

    private static func transaction(
        _ name: String,
        _ sentence: String,
        limit: Duration? = nil,
        body: @escaping Body
    ) -> Behavior {
        Behavior(
            "transactions.\(name)", promise: 9, sentence, limit: limit,
            requires: { $0.isWritable && $0.contains(.atomicCommit) }, body: body)
    }
}
