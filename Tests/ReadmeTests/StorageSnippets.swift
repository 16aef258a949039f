import Foundation
import KVStorage
import KVStorageRedis
import KVStorageSQLite
import Testing

/// The README's code on storages, each piece with what it does.
@Suite struct StorageSnippets {
    struct User: Codable, Sendable, Equatable {
        var name: String
        var visits = 0
    }

    @Test func keys() async throws {
        let storage = Storage()
        let email = "ada?:$@example.org"
        // README: begin
        try await storage.setItem("users/ada/name", "Ada")  // the same key as "users:ada:name"
        try await storage.setItem("mails:\(StorageKey.escaped(email))", "Ada")  // one segment, whatever is in it

        let names = try await storage.getKeys("users")  // ["users:ada:name"]
        for try await key in storage.keys(in: "mails") {
            print(key)  // a page of keys in memory at a time
        }
        let removed = try await storage.clear("mails")  // 1
        // README: end
        #expect(names == ["users:ada:name"])
        #expect(removed == 1)
    }

    @Test func values() async throws {
        let storage = Storage()
        // README: begin
        try await storage.setItem("motto", "123")  // text stays text
        try await storage.setItem("users:ada", User(name: "Ada"))  // JSON
        try await storage.setItemRaw("logo", [0x89, 0x50, 0x4E, 0x47])  // bytes

        let ada = try await storage.getItem("users:ada", as: User.self)  // User?
        let name = try await storage.getItem("users:ada", as: StorageValue.self)?["name"]  // any JSON
        let both: [User?] = try await storage.getItems(["users:ada", "users:bob"])

        let users = storage.prefixed("users", of: User.self)  // a view with one type of value
        try await users.setItem("bob", User(name: "Bob"))
        // README: end
        #expect(ada == User(name: "Ada"))
        #expect(name == "Ada")
        #expect(both == [ada, nil])
        #expect(try await storage.getItem("motto", as: String.self) == "123")
        #expect(try await storage.hasItem("users:bob"))
    }

    @Test func lifetimes() async throws {
        let storage = Storage()
        let token = "t0ken"
        let bytes = "<svg/>"
        // README: begin
        try await storage.setItem("tokens:ada", token, ttl: .seconds(600))
        try await storage.touchItem("tokens:ada", ttl: .seconds(3600))  // a new lifetime, the value untouched
        try await storage.setItem("tokens:ada", token, ttl: .keep)  // a new value, the deadline untouched
        let remaining = try await storage.getMeta("tokens:ada")?.ttl  // about an hour

        try storage.mount("cache", .memory(maximumBytes: 64 << 20), ttl: .seconds(60))  // the default below
        try await storage.setItem("cache:logo", bytes, ttl: .forever)  // where there is one, and this has none
        // README: end
        #expect(try #require(remaining) > .seconds(3500))
        try await storage.setItem("cache:a", 1)
        #expect(try await storage.getMeta("cache:a")?.ttl != nil)
        #expect(try #require(try await storage.getMeta("cache:logo")).ttl == nil)
    }

    @Test func atomicCalls() async throws {
        let storage = Storage()
        let job = "job 1"
        try await storage.setItem("users:ada", User(name: "Ada"))
        // README: begin
        let visits = try await storage.updateItem("users:ada", default: User(name: "Ada")) { user in
            user.visits += 1
            return user.visits
        }
        let number = try await storage.incrementItem("counters:orders")
        let isFirst = try await storage.setItem("locks:report", "me", ttl: .seconds(30), ifAbsent: true)
        let taken: String? = try await storage.takeItem("jobs:1")  // read and remove: one caller gets it
        try await storage.setItems(["jobs:2": job, "jobs:3": job])  // all or nothing within a mount
        // README: end
        #expect(visits == 1)
        #expect(number == 1)
        #expect(isFirst)
        #expect(taken == nil)
        #expect(try await storage.getKeys("jobs").count == 2)
    }

    @Test func severalKeys() async throws {
        let storage = Storage()
        let job = "job 1"
        try await storage.setItem("accounts:ada", 100)
        try await storage.setItem("jobs:2", job)
        // README: begin
        try await storage.transaction("accounts") { accounts in  // what was read still holds when it writes
            let ada = try await accounts.getItem("ada", as: Int.self) ?? 0
            let bob = try await accounts.getItem("bob", as: Int.self) ?? 0
            try accounts.setItem("ada", ada - 10)
            try accounts.setItem("bob", bob + 10)
        }
        let isPlaced = try await storage.commit { commit in  // checks and writes; false if a check did not hold
            commit.require("orders:1", .absent)
            commit.set("orders:1", job)
            commit.remove("jobs:2")
        }
        // README: end
        #expect(try await storage.getItem("accounts:ada", as: Int.self) == 90)
        #expect(try await storage.getItem("accounts:bob", as: Int.self) == 10)
        #expect(isPlaced)
        #expect(try await storage.getKeys() == ["accounts:ada", "accounts:bob", "orders:1"])
    }

    @Test func entries() async throws {
        let storage = Storage()
        try await storage.setItem("users:ada", User(name: "Ada"), ttl: .seconds(60))
        var written: [Bool] = []
        // README: begin
        if let entry = try await storage.getEntry("users:ada", as: User.self) {  // value and metadata of one write
            print(entry.value.name, entry.meta.ttl ?? .zero, entry.etag)
            let isCurrent = try await storage.setItem("users:ada", User(name: "Ada"), ifMatch: entry.etag)
            written.append(isCurrent)  // not shown
            print(isCurrent)  // false if somebody else wrote it meanwhile
        }
        for try await entry in storage.entries(in: "users", as: User.self) {
            print(entry.key, try entry.value().name)
        }
        let page = try await storage.getPage(of: "users", limit: 20)  // page.cursor may be given to a client
        // README: end
        #expect(written == [true])
        #expect(page.keys == ["users:ada"])
        #expect(page.cursor == nil)
    }

    @Test func watching() async throws {
        let storage = Storage()
        func write(to storage: Storage) async throws {
            try await storage.setItem("users:ada", User(name: "Ada"))
            try await storage.removeItem("users:ada")
            try await storage.dispose()
        }
        var seen: [StorageEvent] = []
        // README: begin
        let changes = try await storage.watch("users")
        try await write(to: storage)  // not shown
        for await change in changes {
            seen.append(change)  // not shown
            switch change {
            case .update(let key): print("\(key) was written")
            case .remove(let key, let cause): print("\(key) is gone: \(cause)")  // removed, expired, evicted, unknown
            case .lagged: print("changes were missed: read again what you mirror")
            }
        }
        // README: end
        #expect(seen == [.update("users:ada"), .remove("users:ada", .removed)])
    }

    @Test func mounts() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "shop.db").path
        // README: begin
        let storage = Storage()
        try storage.mount("orders", .sqlite(at: path))
        try storage.mount("settings", .overlay(.memory, .readOnly(.memory)))  // written above, read through

        let orders = storage.prefixed("orders")  // sees only what is below, under relative keys
        try await orders.setItem("1", "tea")
        let tea: String? = try await storage.getItem("orders:1")

        let saved = try await storage.snapshot("orders")
        try await storage.restoreSnapshot(saved, to: "backup")
        try await storage.dispose()  // waits for what was accepted, then closes every driver
        // README: end
        #expect(tea == "tea")
    }

    @Test func growing() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "app.db").path
        // README: begin
        let alone = Storage(try .sqlite(at: path))  // one machine: a file, shared by its processes
        let shared = Storage(try .redis("redis://:secret@10.0.0.5"))  // many machines, one Redis
        let guarded = Storage(try .redis("redis-sentinel://10.0.0.5,10.0.0.6,10.0.0.7/app"))  // one with sentinels
        let spread = Storage(try .redis("redis-cluster://:secret@10.0.0.5,10.0.0.6"))  // a cluster of them
        // README: end
        // No connection is made before the first call.
        let mounts = [alone, shared, guarded, spread].map { $0.getMount().driver }
        #expect(mounts.map(\.name) == ["sqlite", "redis", "redis", "redis"])
        #expect(mounts.map { $0.capabilities.contains(.atomicCommit) } == [true, true, true, false])
        for storage in [alone, shared, guarded, spread] { try await storage.dispose() }
    }

    @Test func operating() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "shop.db").path
        let copy = folder.appending(path: "copy.db").path
        // README: begin
        let driver = try SQLiteDriver(path: path)
        let storage = Storage(driver)
        try await storage.setItem("orders:1", "tea")

        try await driver.backup(to: copy)  // of one moment, while others read and write
        let found = try await driver.verify()  // reads everything; problems say where and what to do
        let statistics = try await driver.statistics()  // items, bytes, bytes to be used again
        print(found.isSound, statistics.itemCount)
        try await driver.compact()  // gives the disk back what is not used
        // README: end
        #expect(found.isSound)
        #expect(statistics.itemCount == 1)
        let restored = Storage(try .sqlite(at: copy))
        #expect(try await restored.getItem("orders:1", as: String.self) == "tea")
        try await restored.dispose()
        try await storage.dispose()
    }

    @Test func durability() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "fast.db").path
        // README: begin
        var configuration = SQLiteDriver.Configuration()
        configuration.durability = .processCrash  // faster writes; the last of them may be lost with the power
        let storage = Storage(try .sqlite(at: path, configuration))
        // README: end
        #expect(storage.getMount().driver.capabilities.durability == .processCrash)
        try await storage.dispose()
    }

    @Test func errors() async throws {
        let storage = Storage()
        try await storage.setItem("users:ada", User(name: "Ada"))
        var code: StorageError.Code?
        // README: begin
        do {
            let number = try await storage.getItem("users:ada", as: Int.self)
            print(number ?? 0)
        } catch {
            code = error.code  // not shown
            // A StorageError: the code is for programs, the message says what to do.
            print(error.code, error.key ?? "", error.message)
        }
        // README: end
        #expect(code == .decoding)
    }
}
