import KVStorage
import KVStorageTesting
import Testing

@Suite("Storage: pages over mounts, copies")
struct PageTests {
    @Test("Pages go through all mounts, and a cursor names none that lies above the handle", arguments: [1, 2, 3, 10])
    func mounts(limit: Int) async throws {
        let root = Storage()
        try root.mount("tenant:secret", .memory)
        let storage = root.prefixed("tenant:secret")
        try storage.mount("inner", .memory)
        let keys = ["a", "b", "inner:x", "inner:y", "z"]
        try await storage.setItems(keys.map { ($0, 1) })
        try await root.setItem("elsewhere", 1)
        var listed: [String] = []
        var cursor: String?
        repeat {
            let page = try await storage.getPage(after: cursor, limit: limit)
            #expect(page.keys.count <= limit)
            listed += page.keys
            cursor = page.cursor
            // Base64 of what a cursor would say of the handle's own base.
            #expect(cursor?.contains("dGVuYW50") != true)
        } while cursor != nil
        #expect(listed.sorted() == keys)
    }

    @Test("A cursor whose mount has gone is refused")
    func unmounted() async throws {
        let storage = Storage()
        try storage.mount("m", .memory)
        try await storage.setItems(["m:a", "m:b", "z"].map { ($0, 1) })
        let page = try await storage.getPage(limit: 1)
        #expect(page.keys == ["m:a"])
        try await storage.unmount("m")
        let error = await #expect(throws: StorageError.self) { try await storage.getPage(after: page.cursor, limit: 1) }
        #expect(error?.code == .invalidOption)
    }

    @Test("A copy costs one read and one write for each page, and goes on from where it ended")
    func copies() async throws {
        let source = CountingDriver()
        let target = CountingDriver()
        let storage = Storage(source)
        try await storage.setItems((0..<1200).map { ("k\($0)", $0) })
        try await storage.setMeta("k7", ["note": "kept"])
        _ = source.reset()
        var progress: [CopyProgress] = []
        #expect(try await storage.copy(to: Storage(target)) { progress.append($0) } == 1200)
        #expect(
            source.reset().filter { $0.operation != .keys }.map(\.operation) == [.getEntries, .getEntries, .getEntries])
        #expect(target.reset().map(\.operation) == [.apply, .apply, .apply])
        #expect(progress.map(\.copied).last == 1200 && progress.map(\.copied) == progress.map(\.copied).sorted())
        #expect(progress.map { $0.cursor == nil } == [false, false, true])
        let fields: [String: String]? = try await Storage(target).getMeta("k7")?.fields()
        #expect(fields == ["note": "kept"])
        let rest = Storage()
        let left = 1200 - progress[1].copied
        #expect(try await storage.copy(to: rest, resuming: progress[1].cursor) == left)
        #expect(try await rest.getKeys().count == left)
        let error = await #expect(throws: StorageError.self) { try await storage.copy(to: rest, resuming: "made up") }
        #expect(error?.code == .invalidOption)
    }

    @Test("A copy never pairs one write's value with another's lifetime")
    func pairsOneWrite() async throws {
        let pausing = PausingDriver()
        let storage = Storage(pausing)
        try await storage.setItem("otp", "123456", ttl: .seconds(30))
        let pause = pausing.pause(.after) { !$0.operation.isWrite && $0.operation != .keys }
        let copy = Task {
            let target = Storage()
            try await storage.copy(to: target)
            return try await target.getEntry("otp", as: String.self)
        }
        await pause.reached()
        try await storage.setItem("otp", "used")
        pause.resume()
        let entry = try await copy.value
        #expect(entry?.value == "123456")
        #expect(entry?.meta.deadline != nil)
    }

    @Test("Large items are copied a few at a time")
    func largeItems() async throws {
        let target = CountingDriver()
        let storage = Storage()
        for number in 0..<6 { try await storage.setItemRaw("k\(number)", Array(repeating: 1, count: 3 << 20)) }
        #expect(try await storage.copy(to: Storage(target)) == 6)
        #expect(target.calls.filter { $0.operation == .apply }.map(\.keys.count).allSatisfy { $0 <= 2 })
    }

    @Test("What a snapshot's file says of an item is what it was")
    func snapshotFile() throws {
        let items: [Snapshot.Item] = [
            .init(key: "a", value: []), .init(key: "b:c", value: [0, 255], deadline: Timestamp(milliseconds: -1)),
            .init(key: "ü", value: [1], deadline: Timestamp(milliseconds: .max), fields: []),
            .init(key: "f", value: [1], fields: [9]),
        ]
        let file = Snapshot(items: items).bytes
        #expect(Array(file.prefix(8)) == Array("KVSNAP01".utf8))
        #expect(try Snapshot(bytes: file).items == items)
        #expect(try Snapshot(bytes: Snapshot().bytes).items.isEmpty)
        let magic = Array("KVSNAP01".utf8)
        let wrong: [([UInt8], StorageError.Code)] = [
            ([], .corrupted), (Array("KVSNAP02".utf8), .incompatibleFormat),
            (Array("{\"a\":1} ".utf8), .incompatibleFormat),
            (file + [0], .corrupted), (magic + [UInt8](repeating: 255, count: 40), .corrupted),
        ]
        for (bytes, code) in wrong {
            #expect { try Snapshot(bytes: bytes) } throws: { ($0 as? StorageError)?.code == code }
        }
    }
}
