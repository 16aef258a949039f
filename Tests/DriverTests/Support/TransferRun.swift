import ChildProcess
import Foundation
import KVStorage
import Testing

/// Transfers between 100 accounts by four processes of 16 tasks, while others that do the same are killed in the middle.
///
/// `KVSTORAGE_TRANSFERS` says how many each task makes; the long form is 10,000.
struct TransferRun {
    private static let count =
        ProcessInfo.processInfo.environment["KVSTORAGE_TRANSFERS"].flatMap { Int($0) }.map { max(1, $0) } ?? 3
    /// How long a run may take.
    static var limit: TimeLimitTrait.Duration { .minutes(Self.count > 100 ? 600 : 5) }

    private static let processCount = 4
    private static let taskCount = 16
    /// How many processes are killed, one after the other.
    private static var killCount: Int { min(2 + Self.count / 100, 50) }
    /// A task of those that are not killed prints a line for so many transfers.
    private static var interval: Int { max(1, Self.count / 100) }

    /// What all accounts hold together.
    private static let total = 100_000
    static let keys = (0..<100).map { "account:\($0)" }

    /// How the processes are told of the store.
    let store: String
    /// The same store.
    let driver: any StorageDriver

    /// Runs it on a store that is empty.
    func run() async throws {
        let balance = Array("\(Self.total / Self.keys.count)".utf8)
        _ = try await self.driver.apply(Self.keys.map { .set(key: $0, value: balance, options: WriteOptions()) })
        let processes = try (0..<Self.processCount).map { _ in
            try ChildProcess(storage: [
                "transfer", self.store, "\(Self.taskCount) \(Self.count) \(Self.interval)",
            ])
        }
        for round in 1...Self.killCount {
            let victim = try ChildProcess(storage: ["transfer", self.store, "\(Self.taskCount) 1000000 1"])
            // Each dies at another moment.
            for _ in 0..<(round % 8 * 17 + 1) { try #require(await victim.line() == "moved") }
            victim.kill()
            _ = await victim.status()
            // While others write, the sum is right at every moment where reads are of one.
            if self.driver.capabilities.contains(.wholeReads) { try await self.check() }
        }
        for process in processes {
            #expect(await process.lines().count == Self.taskCount * (Self.count / Self.interval))
            #expect(await process.status() == 0)
        }
        // Else a reader may see in parts what a killed process has left, until somebody completes it: opening does.
        if self.driver.capabilities.contains(.wholeReads) { try await self.check() }
    }

    /// Checks that nothing was lost and nothing made.
    func check() async throws {
        let sum = try await self.driver.getEntries(Self.keys).reduce(0) { sum, entry in
            sum + (Int(String(decoding: try #require(entry).value, as: UTF8.self)) ?? .min / 1000)
        }
        #expect(sum == Self.total)
    }
}
