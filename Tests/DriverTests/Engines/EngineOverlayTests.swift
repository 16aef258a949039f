import KVStorage
import KVStorageTesting
import Testing

@Suite("Engines: below an overlay", .timeLimit(.minutes(5)))
struct EngineOverlayTests {
    @Test("Layers in order are merged, past any number of tombstones", arguments: Engine.all)
    func listing(engine: Engine) async throws {
        let folder = try TemporaryFolder(inMemory: true)
        let top = try engine.open(folder.file("top"), ManualClock())
        let lower = try engine.open(folder.file("lower"), ManualClock())
        let overlay = try OverlayDriver([top, lower])
        #expect(overlay.capabilities.contains(.orderedKeys))
        let keys = (0..<2500).map { "k:\(10_000 + $0)" }
        _ = try await lower.apply(keys.map { .set(key: $0, value: [0], options: WriteOptions()) })
        // More than any page looks at, and keys on both sides of them.
        let removed = keys[3..<2400]
        _ = try await overlay.apply(removed.map { .remove(key: $0) })
        try await overlay.set("k:10500:x", "above")
        try await overlay.set("a", "above")
        let left = keys[..<3] + ["k:10500:x"] + keys[2400...]
        for limit in [1, 7, 1000] {
            #expect(try await overlay.allKeys("k:", limit: limit) == Array(left))
            #expect(try await overlay.allKeys(limit: limit) == ["a"] + left)
            #expect(try await overlay.allKeys(maxDepth: 0, limit: limit) == ["a"])
        }
        // By cursors that a client may be given.
        let storage = Storage(overlay)
        var cursor: String?
        var listed: [String] = []
        repeat {
            let page = try await storage.getPage(of: "k", after: cursor, limit: 40)
            listed += page.keys
            cursor = page.cursor
        } while cursor != nil && listed.count <= left.count
        #expect(listed == Array(left))
        try await storage.dispose()
    }
}
