import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorageFiles

@Suite("Files: the locks of keys", .timeLimit(.minutes(5)))
struct FilesLockTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    private func failure(of body: () async throws(StorageError) -> Void) async -> StorageError? {
        do throws(StorageError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test("A lock that another keeps is waited for until busyTimeout; nothing else waits, and disposing ends")
    func timeout() async throws {
        let driver = try self.files.open { $0.busyTimeout = .milliseconds(50) }
        try await driver.set("item", "1")
        let base = open(self.files.path, O_RDONLY)
        defer { close(base) }
        let other = System.slotLocks(base, mode: 0o600)
        let slot = driver.store.locks.slot(of: "item")
        #expect(try other.tryLock(slot, .body) == .taken)
        let failures = [
            await self.failure { () throws(StorageError) in try await driver.set("item", "2") },
            await self.failure { () throws(StorageError) in _ = try await driver.removeItem("item") },
            await self.failure { () throws(StorageError) in
                _ = try await driver.incrementItem("item", by: 1, WriteOptions())
            },
            // The item would have to be moved into the folder.
            await self.failure { () throws(StorageError) in try await driver.set("item:below", "2") },
        ]
        for failure in failures {
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("busyTimeout") == true)
        }
        #expect(try await driver.text("item") == "1")
        #expect(try await driver.allKeys() == ["item"])
        for number in 0..<100 { try await driver.set("other\(number)", "1") }
        let waiting = Task { await code { () throws(StorageError) in try await driver.set("item", "3") } }
        try await driver.dispose()
        #expect([.unavailable, .closed].contains(await waiting.value))
        other.unlock(slot, .both)
        try await self.files.open().set("item", "4")
    }

    @Test("Who has waited in line for as long as it may tries once and gives up")
    func line() async throws {
        let taps = TappedLocks()
        let locks = KeyLocks(taps)
        let held = try #require(try await locks.lock(["item"], for: .zero, isLong: false))
        try await withThrowingTaskGroup(of: StorageError.Code?.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    await code { () throws(StorageError) in
                        _ = try await locks.lock(["item"], for: .milliseconds(1), isLong: false)
                    }
                }
            }
            try await eventually("all wait in line") { locks.waitingCount("item") == 200 }
            // All have waited for longer than they may.
            try await Task.sleep(for: .milliseconds(2))
            // Another process gets in between.
            taps.state.withLock { $0 = (isBusy: true, tryCount: 0) }
            locks.unlock(held)
            for try await code in group { #expect(code == .unavailable) }
        }
        #expect(taps.state.withLock { $0.tryCount } == 200)
        #expect(locks.waitingCount("item") == 0)
    }

    @Test("Who waits gets the lock when it is given back, also from one who takes it again and again")
    func fairness() async throws {
        let driver = try self.files.open { $0.durability = .powerLoss }
        // A different pattern: a store that shares nothing with the first, as another process's.
        let other = try self.files.open {
            $0.durability = .powerLoss
            $0.ignore = ["nothing"]
        }
        let done = Signal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !done.isDone, !Task.isCancelled {
                    _ = try await driver.incrementItem("item", by: 1, WriteOptions())
                }
            }
            group.addTask {
                for _ in 0..<50 { _ = try await other.incrementItem("item", by: 1, WriteOptions()) }
                done.set()
            }
            try await group.waitForAll()
        }
    }

    @Test("A task that is cancelled while it waits gets nothing, and the next one does")
    func cancelling() async throws {
        let driver = try self.files.open { $0.busyTimeout = .seconds(1000) }
        let base = open(self.files.path, O_RDONLY)
        defer { close(base) }
        let other = System.slotLocks(base, mode: 0o600)
        let slot = driver.store.locks.slot(of: "item")
        #expect(try other.tryLock(slot, .both) == .taken)
        let tasks = (0..<4).map { number in
            Task { await code { () throws(StorageError) in try await driver.set("item", "\(number)") } }
        }
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value == .cancelled) }
        #expect(try await driver.getItem("item") == nil)
        async let write: Void = driver.set("item", "last")
        other.unlock(slot, .both)
        try await write
        #expect(try await driver.text("item") == "last")
    }

    @Test("Of many locks that are held at a time each is given back for itself")
    func table() async throws {
        let queue = KeyQueue()
        // Many of them share their last bits.
        let slots = (0..<64 as Range<UInt64>).flatMap { [$0, $0 + 256, $0 << 8, $0 << 32 | 7 << 50] }
        let distinct = Set(slots)
        for slot in distinct { #expect(queue.tryLock(slot)) }
        for slot in distinct { #expect(!queue.tryLock(slot)) }
        for slot in distinct {
            queue.unlock(slot)
            #expect(queue.tryLock(slot))
            #expect(!queue.tryLock(slot))
        }
        for slot in distinct { queue.unlock(slot) }
        for slot in distinct { #expect(queue.tryLock(slot)) }
        async let first: Void = queue.lock(5)
        while queue.waitingCount(5) < 1 { await Task.yield() }
        async let second: Void = queue.lock(5)
        while queue.waitingCount(5) < 2 { await Task.yield() }
        queue.unlock(5)
        try await first
        #expect(queue.waitingCount(5) == 1 && !queue.tryLock(5))
        queue.unlock(5)
        try await second
        #expect(queue.waitingCount(5) == 0 && !queue.tryLock(5))
        queue.unlock(5)
        #expect(queue.tryLock(5))
    }

    @Test("Several keys are locked at once, in whatever order they are named")
    func several() async throws {
        for makeLocks in [System.slotLocks, { StripeLocks(base: $0, mode: $1) }] {
            let files = try FilesFixture()
            let base = open(files.path, O_RDONLY)
            defer { close(base) }
            // Two of them, as two processes have.
            let locks = (0..<2).map { _ in KeyLocks(makeLocks(base, 0o600)) }
            let keys = (0..<6).map { "key\($0)" }
            let users = Users()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<8 {
                    group.addTask {
                        var generator = RepeatableGenerator(seed: UInt64(seed))
                        let locks = locks[seed % 2]
                        for _ in 0..<15 {
                            let mine = Array(keys.shuffled(using: &generator).prefix(3))
                            let held = try #require(try await locks.lock(mine, for: .seconds(100), isLong: seed < 4))
                            #expect(users.add(1, to: mine) == [1, 1, 1])
                            await Task.yield()
                            _ = users.add(-1, to: mine)
                            locks.unlock(held)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("The lock file is the owner's, is no item, is made by who may write, and made again when it is removed")
    func lockFile() async throws {
        try await self.files.open { $0.readOnly = true }.dispose()
        #expect(try self.files.folder.names.isEmpty)
        let driver = try self.files.open()
        #expect(try self.files.mode(of: ".%lock") == 0o600)
        #expect(try await driver.allKeys() == [])
        #expect(try await driver.clear("") == 0)
        #expect(try self.files.folder.names == [".%lock"])
        try FileManager.default.removeItem(atPath: self.files.folder.file(".%lock"))
        try await driver.set("item", "1")
        #expect(try self.files.folder.names == [".%lock", "item"])
        // It is the new file that is locked by now.
        let base = open(self.files.path, O_RDONLY)
        defer { close(base) }
        let other = System.slotLocks(base, mode: 0o600)
        let slot = driver.store.locks.slot(of: "item")
        #expect(try driver.store.locks.files.tryLock(slot, .both) == .taken)
        #expect(try other.tryLock(slot, .both) == .busy)
        driver.store.locks.files.unlock(slot, .both)
        let shared = try FilesFixture()
        _ = try shared.open { $0.fileMode = 0o660 }
        #expect(try shared.mode(of: ".%lock") == 0o660)
        #expect(throws: StorageError.self) { try shared.open { $0.busyTimeout = .seconds(-1) } }
    }

    @Test("A process that is stopped with a lock holds up that item alone", .tags(.processes))
    func stoppedProcess() async throws {
        let driver = try self.files.open { $0.busyTimeout = .milliseconds(100) }
        try await driver.set("item", "1")
        let slot = driver.store.locks.slot(of: "item")
        let process = try ChildProcess(
            storage: ["lock", "fs:\(self.files.path)", "\(slot << 1) \(self.files.folder.file(".%lock"))"])
        #expect(await process.line() == "locked")
        process.signal(SIGSTOP)
        #expect(await code { () throws(StorageError) in try await driver.set("item", "2") } == .unavailable)
        #expect(try await driver.text("item") == "1")
        for number in 0..<100 { try await driver.set("other\(number)", "1") }
        // Its lock goes with it, however it ends.
        process.kill()
        _ = await process.status()
        try await driver.set("item", "3")
        try await driver.dispose()
    }
}

/// A lock that counts how often it is tried.
private final class TappedLocks: SlotLocks {
    let state = Mutex((isBusy: false, tryCount: 0))

    func slot(ofHash hash: UInt64) -> UInt64 { 1 }

    func tryLock(_ slot: UInt64, _ parts: SlotParts) throws(SystemError) -> SlotLockResult {
        self.state.withLock { state in
            state.tryCount += 1
            return state.isBusy ? .busy : .taken
        }
    }

    func mark(_ slot: UInt64) {}
    func unmark(_ slot: UInt64) {}
    func unlock(_ slot: UInt64, _ parts: SlotParts) {}
    func prepare() throws(SystemError) {}
    func reset() {}
}

/// How many have each key locked.
private final class Users: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(_ number: Int, to keys: [String]) -> [Int] {
        self.counts.withLock { counts in
            keys.map { key in
                counts[key, default: 0] += number
                return counts[key, default: 0]
            }
        }
    }
}

private final class Signal: Sendable {
    private let state = Atomic(false)
    var isDone: Bool { self.state.load(ordering: .acquiring) }
    func set() { self.state.store(true, ordering: .releasing) }
}
