import KVStorage
import Synchronization
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: the pool of readers", .timeLimit(.minutes(5)))
struct LMDBReaderPoolTests {
    private final class Shared: Sendable {
        let count = Atomic(0)
    }

    let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    @Test("With one place for a reader all reads come to their turn", arguments: [1, 2])
    func fewReaders(count: Int) async throws {
        let driver = try LMDBDriver(
            path: self.folder.path,
            configuration: lmdbConfiguration {
                $0.maximumReaders = count
                $0.durability = .unflushed
                $0.initialSize = 64 << 10
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<32 {
                group.addTask {
                    for number in 0..<100 {
                        try await driver.setItem(
                            "\(task):\(number)", [UInt8](repeating: 1, count: 1000), WriteOptions())
                        #expect(try await driver.getItem("\(task):\(number)")?.count == 1000)
                        _ = try await driver.getKeys(KeyQuery(base: "\(task):", limit: 50))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.allKeys().count == 3200)
        try await driver.dispose()
    }

    @Test("Where the environment has no place for another reader, those who come wait for one that has")
    func readersFull() async throws {
        let raw = try RawEnvironment(self.folder.path, maximumReaders: 2)
        let pool = ReaderPool(raw.handle, count: 6)
        var taken: [Int] = []
        for _ in 0..<2 {
            let slot = try #require(pool.take())
            guard case .ready = pool.begin(slot) else {
                Issue.record("a reader is refused")
                return
            }
            taken.append(slot)
        }
        while let slot = pool.take() {
            guard case .full = pool.begin(slot) else {
                Issue.record("more readers than the environment has places for")
                return
            }
            pool.retire(slot)
        }
        let waits = (0..<3).map { _ in Task { try await pool.waitForSlot() } }
        for slot in taken { pool.end(slot) }
        // Each that is woken takes the slot and gives it back, and so wakes the next.
        for wait in waits {
            try await wait.value
            let slot = try #require(pool.take())
            #expect(taken.contains(slot))
            guard case .ready = pool.begin(slot) else {
                Issue.record("a reader is refused")
                return
            }
            pool.end(slot)
        }
        pool.hold()
        #expect(pool.take() == nil)
        pool.close(with: .lmdbClosed)
        #expect(await code { () throws(StorageError) in try await pool.waitForSlot() } == .closed)
    }

    @Test("Holding waits for the read that runs, and no read runs until the release")
    func holding() async throws {
        let raw = try RawEnvironment(self.folder.path)
        let pool = ReaderPool(raw.handle, count: 3)
        let shared = Shared()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<20_000 {
                        guard let slot = pool.take() else {
                            try await pool.waitForSlot()
                            continue
                        }
                        // Readers count up and down; whoever holds the pool has to find them gone.
                        shared.count.add(1, ordering: .relaxed)
                        shared.count.subtract(1, ordering: .relaxed)
                        pool.giveBack(slot)
                    }
                }
            }
            group.addTask {
                for _ in 0..<200 {
                    pool.hold()
                    for _ in 0..<100 { #expect(shared.count.load(ordering: .relaxed) == 0) }
                    pool.release()
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        pool.hold()
        pool.close(with: .lmdbClosed)
    }
}
