#if HummingbirdSupport
import Hummingbird
import KVStorage
import KVStorageHummingbird
import KVStorageTesting
import Logging
import ServiceLifecycle
import Testing

@Suite("StoragePersistDriver")
struct StoragePersistDriverTests {
    private let clock = ManualClock()

    private func driver() -> StoragePersistDriver {
        StoragePersistDriver(Storage(.memory(.init(clock: self.clock))).prefixed("persist"))
    }

    @Test("What was set is what is got, whatever the key", arguments: ["a", "a:b", "a/b", "", "ü?x", "a$", "a\0b"])
    func roundTrip(key: String) async throws {
        let driver = self.driver()
        try await driver.set(key: key, value: ["x": 1], expires: nil)
        try await driver.set(key: key + "2", value: ["x": 2], expires: nil)
        #expect(try await driver.get(key: key, as: [String: Int].self) == ["x": 1])
        try await driver.remove(key: key)
        #expect(try await driver.get(key: key, as: [String: Int].self) == nil)
        #expect(try await driver.get(key: key + "2", as: [String: Int].self) == ["x": 2])
    }

    @Test("Of many that create a key exactly one does, the others get a duplicate error")
    func create() async throws {
        let driver = self.driver()
        let created = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<32 {
                group.addTask {
                    do {
                        try await driver.create(key: "k", value: number, expires: nil)
                        return true
                    } catch let error as PersistError {
                        #expect(error == .duplicate)
                        return false
                    } catch {
                        Issue.record(error)
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(created == 1)
    }

    @Test("Setting without expiry keeps the one that was; with one replaces it")
    func expiry() async throws {
        let driver = self.driver()
        try await driver.set(key: "k", value: 1, expires: .seconds(60))
        self.clock.advance(by: .seconds(20))
        try await driver.set(key: "k", value: 2, expires: nil)
        #expect(try await driver.getWithTTL(key: "k", as: Int.self)?.ttl == .seconds(40))
        try await driver.set(key: "k", value: 3, expires: .seconds(90))
        #expect(try await driver.getWithTTL(key: "k", as: Int.self)?.ttl == .seconds(90))
        self.clock.advance(by: .seconds(90))
        #expect(try await driver.get(key: "k", as: Int.self) == nil)
        try await driver.create(key: "k", value: 4, expires: nil)
        let kept = try await driver.getWithTTL(key: "k", as: Int.self)
        #expect(kept?.object == 4)
        #expect(kept?.ttl == nil)
    }

    @Test("Value and lifetime are of one write, also if there is another in between")
    func oneRead() async throws {
        let driver = PausingDriver(MemoryDriver(.init(clock: self.clock)))
        let persist = StoragePersistDriver(Storage(driver))
        try await persist.set(key: "k", value: 1, expires: .seconds(60))
        let pause = driver.pause(.after) { !$0.operation.isWrite }
        async let found = persist.getWithTTL(key: "k", as: Int.self)
        await pause.reached()
        try await persist.set(key: "k", value: 2, expires: .seconds(600))
        pause.resume()
        let entry = try await found
        #expect(entry?.object == 1)
        #expect(entry?.ttl == .seconds(60))
    }

    @Test("A value of another type is an error, and stays")
    func conversion() async throws {
        let driver = self.driver()
        try await driver.set(key: "k", value: "text", expires: nil)
        await #expect(throws: PersistError.invalidConversion) { try await driver.get(key: "k", as: Int.self) }
        await #expect(throws: PersistError.invalidConversion) {
            _ = try await driver.getWithTTL(key: "k", as: Int.self)
        }
        #expect(try await driver.get(key: "k", as: String.self) == "text")
    }

    /// What Hummingbird's own memory driver refuses is refused here as far as JSON tells.
    @Test("A value is of the type that it was stored as: text is no number, no structure, and the other way round")
    func types() async throws {
        struct Person: Codable, Equatable {
            var name: String
        }
        let driver = self.driver()
        try await driver.set(key: "digits", value: "123", expires: nil)
        try await driver.set(key: "number", value: 123, expires: nil)
        try await driver.set(key: "person", value: Person(name: "Ada"), expires: nil)
        try await driver.set(key: "json", value: #"{"name":"Ada"}"#, expires: nil)
        try await driver.set(key: "null", value: "null", expires: nil)
        await #expect(throws: PersistError.invalidConversion) { try await driver.get(key: "digits", as: Int.self) }
        await #expect(throws: PersistError.invalidConversion) { try await driver.get(key: "number", as: String.self) }
        await #expect(throws: PersistError.invalidConversion) { try await driver.get(key: "person", as: String.self) }
        await #expect(throws: PersistError.invalidConversion) { try await driver.get(key: "json", as: Person.self) }
        await #expect(throws: PersistError.invalidConversion) {
            _ = try await driver.getWithTTL(key: "person", as: String.self)
        }
        #expect(try await driver.get(key: "digits", as: String.self) == "123")
        #expect(try await driver.get(key: "number", as: Int.self) == 123)
        #expect(try await driver.get(key: "person", as: Person.self) == Person(name: "Ada"))
        #expect(try await driver.get(key: "null", as: String.self) == "null")
    }

    @Test("A lifetime that is over ends the value", arguments: [Duration.zero, .seconds(-1), .nanoseconds(-1)])
    func overAtOnce(expires: Duration) async throws {
        let driver = self.driver()
        try await driver.create(key: "new", value: 1, expires: expires)
        #expect(try await driver.get(key: "new", as: Int.self) == nil)
        try await driver.set(key: "k", value: 1, expires: nil)
        await #expect(throws: PersistError.duplicate) { try await driver.create(key: "k", value: 2, expires: expires) }
        try await driver.set(key: "k", value: 2, expires: expires)
        #expect(try await driver.get(key: "k", as: Int.self) == nil)
        #expect(try await driver.getWithTTL(key: "k", as: Int.self) == nil)
        try await driver.create(key: "k", value: 3, expires: .seconds(60))
        #expect(try await driver.getWithTTL(key: "k", as: Int.self)?.ttl == .seconds(60))
    }

    @Test("The service disposes of the storage when the application shuts down")
    func service() async throws {
        let storage = Storage()
        let group = ServiceGroup(
            configuration: .init(services: [StorageService(storage)], logger: .init(label: "test")))
        async let running: Void = group.run()
        await group.triggerGracefulShutdown()
        try await running
        await #expect(throws: StorageError.self) { try await storage.hasItem("a") }
    }
}
#endif
