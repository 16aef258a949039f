import KVStorage
import Testing

private struct User: Codable, Sendable, Equatable { var name: String }
private struct Refused: Error {}

/// The calls of the public face as callers write them: what matters is that they compile.
@Test func callsTypeCheck() async throws {
    let storage = Storage()
    try storage.mount("users", .memory(maximumBytes: 1 << 20, maximumItems: 100))
    try storage.mount("layers", .overlay(.memory, .readOnly(.memory)), ttl: .seconds(60))
    try storage.mount("more", .overlay([MemoryDriver(), MemoryDriver()]))
    try storage.mount("fast", .cached(.memory, maximumItems: 10))
    try storage.mount("nothing", .null)
    try await storage.setItem("users:ada", User(name: "Ada"), ttl: .seconds(3600))
    let ada: User? = try await storage.getItem("users:ada")
    #expect(ada == User(name: "Ada"))
    let visits = try await storage.updateItem("visits", default: 0) {
        $0 += 1; return $0
    }
    #expect(visits == 1)
    try await storage.updateItem("visits", default: 0) { $0 += 1 }
    let removed = try await storage.updateItem("visits", as: Int.self) { value in
        defer { value = nil }
        return value
    }
    #expect(removed == 2)
    await #expect(throws: Refused.self) {
        try await storage.updateItem("visits", default: 0) { _ in throw Refused() }
    }
    try await storage.setItems(["a": 1, "b": 2])
    try await storage.setItems([("c", "text")], ttl: .seconds(1))
    #expect(try await storage.getItems(["b", "x", "a"], as: Int.self) == [2, nil, 1])
    #expect(try await storage.setItem("a", 3, ifAbsent: true) == false)
    let none: String? = nil
    try await storage.setItem("a", none)
    #expect(try await storage.has("a") == false)
    let users = storage.prefixed("users", of: User.self)
    try await users.updateItem("ada", default: User(name: "")) { $0.name += "!" }
    for try await (key, user) in users.items() { #expect((key, user.name) == ("ada", "Ada!")) }
    for try await key in storage.keys(in: "users") { #expect(key == "users:ada") }
    let value: StorageValue? = try await storage.get("users:ada")
    #expect(value == ["name": "Ada!"])
    try await storage.setMeta("b", ["author": "x"])
    let fields: [String: String]? = try await storage.getMeta("b")?.fields()
    #expect(fields == ["author": "x"])
    do {
        try await storage.setItem("", 1)
    } catch {
        #expect(error.code == .invalidKey)
    }
    let counter = storage.prefixed("counters")
    #expect(try await counter.incrementItem("hits", by: 5, ttl: .keep(orElse: .seconds(10))) == 5)
    try await storage.dispose()
}
