import KVStorage
import ProcessOutput

/// Accounts between which money is moved by transactions: whatever happens, what all of them hold together stays.
struct Bank {
    /// How many accounts there are, which whoever starts the processes has made: the items `account:0` and so on.
    static let accountCount = 100

    private let storage: Storage

    init(_ store: any StorageDriver) {
        // Processes that run in parallel to many tests wait long for each other.
        self.storage = Storage(store, busyTimeout: .seconds(60))
    }

    /// Makes transfers as the argument says, `<tasks> <transfers of each> <interval>`; each task prints a line whenever it has
    /// made `interval` of them.
    func transfer(_ argument: String) async throws {
        let numbers = argument.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 3, numbers[2] > 0 else { throw Store.Unknown(text: argument) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<numbers[0] {
                group.addTask {
                    for number in 1...max(1, numbers[1]) {
                        try await self.transferOnce()
                        if number % numbers[2] == 0 { Output.line("moved") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Moves some of what one account holds to another.
    private func transferOnce() async throws {
        let source = Int.random(in: 0..<Self.accountCount)
        let target = (source + Int.random(in: 1..<Self.accountCount)) % Self.accountCount
        try await self.storage.transaction("account") { accounts in
            let balances = try await accounts.getItems(["\(source)", "\(target)"], as: Int.self)
            guard let own = balances[0], let other = balances[1], own >= 0 else {
                throw Store.Unknown(text: "\(balances)")
            }
            let amount = Int.random(in: 0...own)
            try accounts.setItem("\(source)", own - amount)
            try accounts.setItem("\(target)", other + amount)
        }
    }
}
