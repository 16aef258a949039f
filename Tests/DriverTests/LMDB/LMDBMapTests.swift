import ChildProcess
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite("LMDB: a map that grows", .timeLimit(.minutes(5)))
struct LMDBMapTests {
    let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func driver(
        _ durability: LMDBDriver.Configuration.Durability,
        maximumSize: Int? = nil
    ) throws -> LMDBDriver {
        try LMDBDriver(
            path: self.folder.path,
            configuration: lmdbConfiguration {
                $0.durability = durability
                $0.initialSize = 64 << 10
                $0.maximumSize = maximumSize
            }
        )
    }

    @Test("No write fails and no reader sees anything but whole values while the map grows", arguments: [true, false])
    func growing(flushes: Bool) async throws {
        let driver = try self.driver(flushes ? .processCrash : .unflushed)
        let before = driver.store.environment.mapSize
        try await driver.set("first", "value")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<60 {
                        let value = [UInt8](repeating: UInt8(number), count: 100_000)
                        try await driver.setItem("task\(task):\(number)", value, WriteOptions())
                    }
                }
            }
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<60 {
                        #expect(try await driver.text("first") == "value")
                        let value = try await driver.getItem("task\(task):\(number)")
                        #expect(value == nil || value == [UInt8](repeating: UInt8(number), count: 100_000))
                        _ = try await driver.getKeys(KeyQuery())
                        _ = try await driver.withItemRaw("task0:0") { $0.byteCount }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.allKeys("task0:").count == 60)
        #expect(try await driver.allKeys().count == 241)
        #expect(driver.store.environment.mapSize > before * 100)
        try await driver.dispose()
        let again = try LMDBDriver(path: self.folder.path)
        #expect(try await again.getItem("task3:59") == [UInt8](repeating: 59, count: 100_000))
        try await again.dispose()
    }

    @Test("A value many times the size of the map is stored at once", arguments: [true, false])
    func largeValue(flushes: Bool) async throws {
        let driver = try self.driver(flushes ? .powerLoss : .unflushed)
        let value = [UInt8](repeating: 9, count: 30_000_000)
        try await driver.setItem("large", value, WriteOptions())
        #expect(try await driver.getItem("large") == value)
        try await driver.dispose()
    }

    @Test(
        "At its limit the store says full, changes nothing, and has room again after removing",
        arguments: [true, false])
    func full(flushes: Bool) async throws {
        let driver = try self.driver(flushes ? .powerLoss : .unflushed, maximumSize: 1 << 20)
        let value = [UInt8](repeating: 1, count: 10_000)
        var count = 0
        var failure: StorageError?
        while failure == nil {
            do throws(StorageError) {
                try await driver.setItem("key\(count)", value, WriteOptions(ttl: .seconds(1000)))
                count += 1
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .full)
        #expect(failure?.message.contains("maximumSize") == true)
        #expect(count > 50 && count < 110)
        #expect(try await driver.allKeys().count == count)
        // The environment is full: only what fits in the room of an old value goes on.
        let batch = (0..<20).map { Mutation.set(key: "batch\($0)", value: value, options: WriteOptions()) }
        #expect(await code { () throws(StorageError) in _ = try await driver.apply(batch) } == .full)
        let commit = Commit(checks: [.init("batch0", .absent)], mutations: batch + [.remove(key: "key0")])
        #expect(await code { () throws(StorageError) in _ = try await driver.commit(commit) } == .full)
        #expect(try await driver.allKeys().count == count)
        // What writes nothing, and what only removes, needs no room.
        let mismatch = Commit(checks: [.init("key0", .absent)], mutations: batch)
        #expect(try await driver.commit(mismatch) == .mismatch(index: 0, current: value))
        #expect(try await driver.commit(Commit(checks: [.init("key0", .present)])) == .committed(found: []))
        let removal = Commit(checks: [.init("key0", .bytes(value))], mutations: [.remove(key: "key0")])
        #expect(try await driver.commit(removal) == .committed(found: [true]))
        for number in 1..<count { #expect(try await driver.removeItem("key\(number)")) }
        #expect(try await driver.storedCounts() == [0, 0])
        _ = try await driver.apply(batch)
        #expect(try await driver.clear("") == 20)
        try await driver.dispose()
    }

    @Test("Of writes that are committed together those that find no room fail alone")
    func fullForOne() async throws {
        let driver = try self.driver(.powerLoss, maximumSize: 1 << 20)
        let outcomes = await withTaskGroup(of: (Int, StorageError.Code?).self) { group in
            for number in 0..<40 {
                group.addTask {
                    let value = [UInt8](repeating: 1, count: number.isMultiple(of: 2) ? 5_000_000 : 10)
                    let code = await code { () throws(StorageError) in
                        try await driver.setItem("key\(number)", value, WriteOptions())
                    }
                    return (number, code)
                }
            }
            return await group.reduce(into: [Int: StorageError.Code?]()) { $0[$1.0] = $1.1 }
        }
        for (number, code) in outcomes { #expect(code == (number.isMultiple(of: 2) ? .full : nil)) }
        #expect(try await driver.allKeys().count == 20)
        try await driver.dispose()
    }

    @Test(
        "Processes take over the size that another has given to the environment", .tags(.processes),
        arguments: ["", ",unflushed"])
    func processes(options: String) async throws {
        let count = options.isEmpty ? 300 : 2000
        let processes = try (0..<3).map { _ in
            try ChildProcess(storage: ["load", "lmdb:\(self.folder.path)?tiny\(options)", "\(count)"])
        }
        let driver = try self.driver(options.isEmpty ? .powerLoss : .unflushed)
        // Reads alone have to notice, too.
        for _ in 0..<200 { _ = try await driver.getKeys(KeyQuery(limit: 10)) }
        for process in processes {
            #expect(await process.lines() == ["\(count)"])
            #expect(await process.status() == 0)
        }
        #expect(try await driver.allKeys().count == 3 * count + 1)
        try await driver.dispose()
    }
}
