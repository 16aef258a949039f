import KVStorage
import KVStorageTesting
import Testing

@Test func storesAndLists() async throws {
    let clock = ManualClock()
    let storage = Storage(.memory(.init(clock: clock)))
    try await storage.setItem("a:b", 1, ttl: .seconds(5))
    try await storage.setItem("a:c", "text")
    #expect(try await storage.getItem("a/b") == 1)
    #expect(try await storage.getKeys("a").sorted() == ["a:b", "a:c"])
    let events = try await storage.watch()
    let visits = try await storage.updateItem("visits", default: 0) {
        $0 += 1; return $0
    }
    #expect(visits == 1)
    clock.advance(by: .seconds(5))
    #expect(try await storage.hasItem("a:b") == false)
    var iterator = events.makeAsyncIterator()
    #expect(await iterator.next() == .update("visits"))
    #expect(await iterator.next() == .remove("a:b"))
    try storage.mount("cache", .memory)
    #expect(storage.getMount("cache").base == "cache:")
    let count: Int = try await storage.clear("a")
    #expect(count == 1)
    try await storage.dispose()
    #expect(await iterator.next() == .remove("a:c"))
    #expect(await iterator.next() == nil)
}
