import KVStorage
import ProcessOutput

/// Accounts between which money is moved by commits: whatever happens, what all of them hold together stays.
struct Bank {
    /// How many accounts there are, which whoever starts the processes has made: the items `account:0` and so on.
    static let accountCount = 100

    private let store: any StorageDriver

    init(_ store: any StorageDriver) {
        self.store = store
    }

    /// Makes transfers as the argument says, `<tasks> <transfers of each>`.
    func transfer(_ argument: String) async throws {
        let numbers = argument.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2 else { throw Store.Unknown(text: argument) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<numbers[0] {
                group.addTask {
                    for _ in 0..<numbers[1] {
                        try await self.transferOnce()
                        Output.line("moved")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Moves some of what one account holds to another, however often others come between.
    private func transferOnce() async throws {
        let source = Int.random(in: 0..<Self.accountCount)
        let target = (source + Int.random(in: 1..<Self.accountCount)) % Self.accountCount
        let keys = ["account:\(source)", "account:\(target)"]
        while true {
            let balances = try await self.store.getEntries(keys).map { $0?.value ?? [] }
            let amount = Int.random(in: 0...max(try Self.number(balances[0]), 0))
            let after = [try Self.number(balances[0]) - amount, try Self.number(balances[1]) + amount]
            let commit = Commit(
                checks: zip(keys, balances).map { Commit.Check($0, .bytes($1)) },
                mutations: zip(keys, after).map { key, balance in
                    .set(key: key, value: Array(String(balance).utf8), options: WriteOptions())
                }
            )
            if case .committed = try await self.store.commit(commit) { return }
        }
    }

    private static func number(_ bytes: [UInt8]) throws -> Int {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = Int(text) else { throw Store.Unknown(text: text) }
        return number
    }
}
