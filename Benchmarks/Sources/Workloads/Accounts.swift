package import KVStorage

/// Balances that move from one key to another, by transactions or by two updates each.
package struct Accounts: Sendable {
    private static let initial = 1000

    private let keys: [String]

    package init(count: Int) {
        self.keys = (0..<count).map { "account:\($0)" }
    }

    /// What all of them have together, whatever was moved.
    package var total: Int { self.keys.count * Self.initial }

    package func fill(_ storage: Storage) async throws {
        try await storage.setItems(self.keys.map { ($0, Self.initial) })
    }

    package func balances(_ storage: Storage) async throws -> [Int] {
        try await storage.getItems(self.keys, as: Int.self).map { $0 ?? 0 }
    }

    /// Two reads and two writes as one step.
    package func transactions(_ storage: Storage, operations: Int, tasks: Int) -> Workload {
        Workload(operations: operations, tasks: tasks) { slice, pass in
            for index in slice {
                let (from, to) = self.pair(index, pass)
                try await storage.transaction { transaction in
                    let source = try await transaction.getItem(from, as: Int.self) ?? 0
                    let target = try await transaction.getItem(to, as: Int.self) ?? 0
                    try transaction.setItem(from, source - 1)
                    try transaction.setItem(to, target + 1)
                }
            }
            return slice.count
        }
    }

    /// Two atomic updates, between which others see what is on its way nowhere.
    package func updates(_ storage: Storage, operations: Int, tasks: Int) -> Workload {
        Workload(operations: operations, tasks: tasks) { slice, pass in
            for index in slice {
                let (from, to) = self.pair(index, pass)
                try await storage.updateItem(from, default: 0) { $0 -= 1 }
                try await storage.updateItem(to, default: 0) { $0 += 1 }
            }
            return slice.count
        }
    }

    /// Two different keys, spread so that tasks meet at some.
    private func pair(_ index: Int, _ pass: Int) -> (from: String, to: String) {
        let first = (index &* 37 &+ pass &* 11) % self.keys.count
        let second = (first + 1 + (index &* 53) % (self.keys.count - 1)) % self.keys.count
        return (self.keys[first], self.keys[second])
    }
}
