import KVStorage
import KVStorageTesting
import Testing

@Suite struct TypedStorageTests {
    private struct User: Codable, Equatable, Sendable {
        var name: String
        var age = 36
    }

    private let clock = ManualClock()
    private let storage: Storage
    private let users: TypedStorage<User>

    init() {
        self.storage = Storage(MemoryDriver(.init(clock: self.clock)))
        self.users = self.storage.prefixed("users", of: User.self)
    }

    @Test func keepsItemsOfOneType() async throws {
        try await self.users.setItem("ada", User(name: "Ada"))
        #expect(try await self.users.getItem("ada") == User(name: "Ada"))
        #expect(try await self.storage.getItem("users:ada") == User(name: "Ada"))
        #expect(try await self.users.hasItem("ada"))
        #expect(try await self.users.getItems(["x", "ada"]) == [nil, User(name: "Ada")])
        #expect(try await self.users.removeItem("ada"))
        #expect(try await self.users.getItem("ada") == nil)
        #expect(try await self.storage.typed(User.self).getItem("users:ada") == nil)
    }

    @Test func passesOptionsOn() async throws {
        try await self.users.setItem("a", User(name: "A"), ttl: .seconds(10))
        #expect(try await !self.users.setItem("a", User(name: "B"), ttl: .seconds(99), ifAbsent: true))
        #expect(try await self.users.setItem("b", User(name: "B"), ttl: .seconds(20), ifAbsent: true))
        try await self.users.updateItem("a", default: User(name: "?"), ttl: .keep(orElse: .seconds(99))) { $0.age = 1 }
        #expect(try await self.users.getItem("a") == User(name: "A", age: 1))
        try await self.users.setItems([("c", User(name: "C"))], ttl: .seconds(30))
        try await self.users.updateItem("d", ttl: .seconds(40)) { $0 = User(name: "D") }
        #expect(try await self.users.touchItem("d", ttl: .seconds(50)))
        let expected = ["a": 10, "b": 20, "c": 30, "d": 50]
        for (key, seconds) in expected {
            #expect(try await self.users.storage.getMeta(key)?.ttl == .seconds(seconds))
        }
        #expect(try await self.users.takeItem("d") == User(name: "D"))
        #expect(try await self.users.removeItems(["a", "d"]) == 1)
        try await self.users.setItem("b", nil)
        #expect(try await self.users.getKeys() == ["c"])
    }

    @Test func listsAndClears() async throws {
        let teams = self.users.prefixed("team")
        for number in 0..<5 { try await teams.setItem("\(number)", User(name: "N", age: number)) }
        try await self.users.setItem("ada", User(name: "Ada"))
        var ages: Set<Int> = []
        for try await (_, user) in self.users.items(in: "team", pageSize: 2) { ages.insert(user.age) }
        #expect(ages == [0, 1, 2, 3, 4])
        let watcher = try await self.users.watch("team")
        #expect(try await self.users.clear("team") == 5)
        var iterator = watcher.makeAsyncIterator()
        if case .remove(let key, .removed) = try await iterator.next() {
            #expect(key.hasPrefix("team:"))
        } else {
            Issue.record("no event")
        }
        #expect(try await self.users.getKeys() == ["ada"])
    }

    @Test func shortNamesAreTheSameCalls() async throws {
        try await self.storage.set("a", 1)
        #expect(try await self.storage.has("a"))
        #expect(try await self.storage.get("a") == 1)
        #expect(try await self.storage.keys() == ["a"])
        #expect(try await self.storage.remove("a"))
        #expect(try await !self.storage.del("a"))
        try await self.storage.set("b", 1, ttl: .seconds(5))
        self.clock.advance(by: .seconds(5))
        #expect(try await self.storage.get("b", as: Int.self) == nil)
    }
}
