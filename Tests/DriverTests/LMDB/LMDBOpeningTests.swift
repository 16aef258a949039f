import Foundation
import KVStorage
import KVStorageLMDB
import KVStorageTesting
import Testing

@Suite("LMDB: opening, sharing an environment, formats", .timeLimit(.minutes(5)))
struct LMDBOpeningTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("store")
    }

    private static let unacceptable: [(String, @Sendable (inout LMDBDriver.Configuration) -> Void)] = [
        ("empty name", { $0.databaseName = "" }),
        ("colon", { $0.databaseName = "a:deadlines" }),
        ("letter", { $0.databaseName = "é" }),
        ("digit", { $0.databaseName = "1a" }),
        ("long name", { $0.databaseName = String(repeating: "a", count: 65) }),
        ("size", { $0.initialSize = 0 }),
        ("limit", { $0.maximumSize = 1000 }),
        ("readers", { $0.maximumReaders = 0 }),
    ]

    @Test("A configuration that can't be honoured is refused before anything is made", arguments: Self.unacceptable)
    func configuration(name: String, change: @Sendable (inout LMDBDriver.Configuration) -> Void) throws {
        #expect(lmdbOpeningError(self.path, change)?.code == .invalidOption)
        #expect(try self.folder.names.isEmpty)
    }

    @Test("Each level says what it survives, and what was written is there after reopening")
    func levels() async throws {
        for (level, durability) in [
            (LMDBDriver.Configuration.Durability.powerLoss, Capabilities.Durability.powerLoss),
            (.processCrash, .processCrash), (.unflushed, .processCrash),
        ] {
            let driver: LMDBDriver = try .lmdb(at: self.path, lmdbConfiguration { $0.durability = level })
            #expect(driver.capabilities.durability == durability)
            #expect(driver.capabilities.maximumKeyBytes == 511)
            try await driver.set("\(level)", "value")
            try await driver.dispose()
        }
        let driver = try LMDBDriver(path: self.path)
        #expect(try await driver.allKeys() == ["powerLoss", "processCrash", "unflushed"])
        try await driver.dispose()
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: self.path)) == ["data.mdb", "lock.mdb"])
    }

    @Test("Values, lifetimes and metadata are there after reopening, under a path with a slash at the end too")
    func reopen() async throws {
        let clock = ManualClock()
        let settings = lmdbConfiguration { $0.clock = clock }
        let first = try LMDBDriver(path: self.path, configuration: settings)
        try await first.set("short", "1", ttl: .seconds(10))
        try await first.set("long", "2", ttl: .seconds(3_155_760_000))
        #expect(try await first.setMeta("long", [1, 2, 3]))
        let meta = try await first.getMeta("long")
        try await first.dispose()
        clock.advance(by: .seconds(9))
        let second = try LMDBDriver(path: self.path + "/", configuration: settings)
        #expect(try await second.getMeta("short")?.ttl == .seconds(1))
        clock.advance(by: .seconds(1))
        #expect(try await second.getItem("short") == nil)
        let later = try await second.getMeta("long")
        #expect(later?.ttl == .seconds(3_155_760_000 - 10))
        #expect(later?.fieldBytes == [1, 2, 3])
        #expect(later?.mtime == meta?.mtime)
        #expect(try await second.text("long") == "2")
        try await second.dispose()
    }

    @Test("An environment that is opened again in the same process is shared, whatever path leads to it")
    func openedTwice() async throws {
        try FileManager.default.createSymbolicLink(atPath: self.folder.file("link"), withDestinationPath: self.path)
        let first = try LMDBDriver(path: self.path)
        let second = try LMDBDriver(path: self.folder.file("link"))
        let third = try LMDBDriver(
            path: self.folder.file("../" + (self.folder.path as NSString).lastPathComponent + "/store"))
        try await first.set("key", "one")
        #expect(try await second.text("key") == "one")
        try await second.set("key", "two")
        try await first.dispose()
        #expect(await code { () throws(StorageError) in _ = try await first.getItem("key") } == .closed)
        // The others go on.
        #expect(try await third.text("key") == "two")
        try await third.set("key", "three")
        try await third.dispose()
        #expect(try await second.text("key") == "three")
        try await second.dispose()
        try await second.dispose()
        let again = try LMDBDriver(path: self.path)
        #expect(try await again.text("key") == "three")
        try await again.dispose()
    }

    @Test("Drivers that share an environment in a process must agree on it")
    func disagreement() async throws {
        let driver = try LMDBDriver(path: self.path)
        #expect(lmdbOpeningError(self.path) { $0.durability = .unflushed }?.code == .invalidOption)
        #expect(lmdbOpeningError(self.path) { $0.maximumSize = 1 << 30 }?.code == .invalidOption)
        #expect(lmdbOpeningError(self.path) { $0.databaseName = "other" } == nil)
        try await driver.set("key", "value")
        try await driver.dispose()
        #expect(lmdbOpeningError(self.path) { $0.durability = .unflushed } == nil)
    }

    @Test("A driver that is dropped without dispose gives the environment back")
    func dropped() async throws {
        for round in 0..<3 {
            // Refused if the one before still had it open.
            let driver = try LMDBDriver(
                path: self.path,
                configuration: lmdbConfiguration { $0.durability = round == 1 ? .unflushed : .powerLoss }
            )
            try await driver.set("key\(round)", "value", ttl: .seconds(500))
            #expect(try await driver.allKeys().count == round + 1)
        }
    }

    @Test("Drivers with different names keep apart what they share an environment for", .timeLimit(.minutes(5)))
    func names() async throws {
        let names = (0..<60).map { "database\($0)" }
        let drivers = try names.map { name in
            try LMDBDriver(
                path: self.path,
                configuration: lmdbConfiguration {
                    $0.databaseName = name
                    $0.durability = .unflushed
                })
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, driver) in zip(names, drivers) {
                group.addTask {
                    try await driver.set("key", name)
                    try await driver.set("ends", name, ttl: .seconds(100))
                }
            }
            try await group.waitForAll()
        }
        #expect(
            lmdbOpeningError(self.path) {
                $0.databaseName = "one_more"
                $0.durability = .unflushed
            }?.code == .invalidOption)
        #expect(try await drivers[7].clear("") == 2)
        for (name, driver) in zip(names, drivers) where name != "database7" {
            #expect(try await driver.text("key") == name)
            #expect(try await driver.storedCounts() == [2, 1])
        }
        #expect(try await drivers[7].storedCounts() == [0, 0])
        for driver in drivers { try await driver.dispose() }
    }

    @Test("A database of a newer format is refused and untouched", arguments: [2, 77])
    func newerFormat(format: UInt8) async throws {
        try await LMDBDriver(path: self.path).dispose()
        do {
            let raw = try RawEnvironment(self.path)
            try raw.put(bytes("kvstorage"), [format, 0, 0, 0], in: "kvstorage:formats")
        }
        let before = try self.folder.bytes(of: "store/data.mdb")
        let error = lmdbOpeningError(self.path)
        #expect(try self.folder.bytes(of: "store/data.mdb") == before)
        #expect(error?.code == .incompatibleFormat)
        #expect(error?.message.contains("format \(format)") == true)
        // Other databases of the environment are not concerned.
        #expect(lmdbOpeningError(self.path) { $0.databaseName = "other" } == nil)
    }

    @Test("An item of a newer format is an error of its own")
    func newerItem() async throws {
        try await LMDBDriver(path: self.path).dispose()
        do {
            let raw = try RawEnvironment(self.path)
            try raw.put(bytes("newer"), [2] + [UInt8](repeating: 0, count: 40), in: "kvstorage")
            try raw.put(bytes("short"), [1, 0, 0], in: "kvstorage")
            try raw.put(
                bytes("fields"), [1, 4] + [UInt8](repeating: 0, count: 8) + [255, 255, 255, 255, 0], in: "kvstorage")
        }
        let driver = try LMDBDriver(path: self.path)
        for (key, expected) in [
            ("newer", StorageError.Code.incompatibleFormat), ("short", .corrupted), ("fields", .corrupted),
        ] {
            #expect(await code { () throws(StorageError) in _ = try await driver.getItem(key) } == expected)
            #expect(await code { () throws(StorageError) in try await driver.set(key, "x") } == expected)
        }
        // A write that fails for it takes no other with it, and a batch changes nothing.
        let batch: [Mutation] = [
            .set(key: "new", value: [1], options: WriteOptions()),
            .set(key: "newer", value: [1], options: WriteOptions()),
        ]
        #expect(await code { () throws(StorageError) in _ = try await driver.apply(batch) } == .incompatibleFormat)
        let commit = Commit(checks: [.init("new", .absent)], mutations: batch)
        #expect(await code { () throws(StorageError) in _ = try await driver.commit(commit) } == .incompatibleFormat)
        #expect(try await driver.getItem("new") == nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask { try await driver.set("good\(number)", "value") }
                group.addTask {
                    do throws(StorageError) {
                        _ = number.isMultiple(of: 2) ? try await driver.apply(batch) : []
                        _ = try await driver.commit(commit)
                        Issue.record("the damaged item was written")
                    } catch {
                        #expect(error.code == .incompatibleFormat)
                        #expect(error.key == "newer")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await driver.getItems((0..<50).map { "good\($0)" }).allSatisfy { $0 == bytes("value") })
        #expect(try await driver.getItem("new") == nil)
        try await driver.dispose()
    }

    @Test("An environment of another program is refused and untouched")
    func foreignEnvironment() throws {
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: false)
        do {
            let raw = try RawEnvironment(self.path)
            try raw.put(bytes("key"), bytes("value"), in: nil)
        }
        let before = try self.folder.bytes(of: "store/data.mdb")
        #expect(lmdbOpeningError(self.path)?.code == .incompatibleFormat)
        #expect(try self.folder.bytes(of: "store/data.mdb") == before)
    }

    @Test("A database of another program is not taken for the driver's")
    func foreignDatabase() async throws {
        try await LMDBDriver(path: self.path).dispose()
        do {
            let raw = try RawEnvironment(self.path)
            try raw.put(bytes("key"), bytes("value"), in: "cache")
        }
        #expect(lmdbOpeningError(self.path) { $0.databaseName = "cache" }?.code == .incompatibleFormat)
        #expect(lmdbOpeningError(self.path) == nil)
    }
}
