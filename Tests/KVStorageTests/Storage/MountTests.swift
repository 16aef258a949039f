import KVStorage
import KVStorageTesting
import Testing

@Suite struct MountTests {
    private let root = MemoryDriver()
    private let cache = MemoryDriver()
    private let storage: Storage

    init() throws {
        self.storage = Storage(self.root)
        try self.storage.mount("cache", self.cache)
    }

    @Test func routesByTheLongestBase() async throws {
        let deep = MemoryDriver()
        try self.storage.mount("/cache/deep/", deep)
        try await self.storage.setItem("a", 1)
        try await self.storage.setItem("cache:a", 2)
        try await self.storage.setItem("cache:deep:a", 3)
        try await self.storage.setItem("cached:a", 4)
        #expect(try await Storage(self.root).getKeys().sorted() == ["a", "cached:a"])
        #expect(try await Storage(self.cache).getKeys() == ["a"])
        #expect(try await Storage(deep).getKeys() == ["a"])
        #expect(try await self.storage.getKeys().sorted() == ["a", "cache:a", "cache:deep:a", "cached:a"])
        #expect(try await self.storage.getKeys("cache").sorted() == ["cache:a", "cache:deep:a"])
        #expect(try await self.storage.getKeys("cache:deep") == ["cache:deep:a"])
        #expect(try await self.storage.getKeys("", maxDepth: 1).sorted() == ["a", "cache:a", "cached:a"])
        #expect(try await self.storage.getKeys("cache", maxDepth: 2).sorted() == ["cache:a", "cache:deep:a"])
    }

    @Test func clearsNothingWhereOneOfTheMountsIsReadOnly() async throws {
        try await self.storage.setItem("a", 1)
        try self.storage.mount("z", .readOnly(.memory))
        let error = await #expect(throws: StorageError.self) { try await self.storage.clear() }
        #expect(error?.code == .readOnly)
        #expect(error?.message.contains("\"z:\"") == true)
        #expect(try await self.storage.getKeys() == ["a"])
        try await self.storage.setItem("cache:a", 2)
        #expect(try await self.storage.clear("cache") == 1)
    }

    @Test func hidesWhatLiesBelowIt() async throws {
        let storage = Storage(self.root)
        for key in ["late", "late:a", "late:b:c", "later"] { try await storage.setItem(key, "outer") }
        let watcher = try await storage.watch()
        try storage.mount("late", .memory)
        #expect(try await storage.getKeys() == ["later"])
        #expect(try await storage.getItem("late:a", as: String.self) == nil)
        try await storage.setItem("late:a", "inner")
        #expect(try await storage.getItems(["late:a", "later"], as: String.self) == ["inner", "outer"])
        #expect(try await storage.clear() == 2)
        try await storage.unmount("late")
        #expect(try await storage.getKeys().sorted() == ["late", "late:a", "late:b:c"])
        #expect(try await storage.getItem("late:a") == "outer")
        try await storage.setItem("end", 1)
        var told: [StorageEvent] = []
        for await event in watcher {
            if event == .update("end") { break }
            told.append(event)
        }
        #expect(told.first == .lagged, "mounting changes what is to be seen")
        #expect(told.last == .lagged, "so does unmounting")
        #expect(told.dropFirst().first == .update("late:a"))
        #expect(Set(told.dropFirst(2).dropLast()) == [.remove("late:a", .removed), .remove("later", .removed)])
    }

    @Test func aMountPointIsNoItem() async throws {
        try await Storage(self.root).setItem("cache", "hidden")
        for key in ["cache", "cache:", "/cache/", "cache?x"] {
            let error = await #expect(throws: StorageError.self) { try await self.storage.getItem(key, as: Int.self) }
            #expect(error?.code == .invalidKey)
            #expect(error?.key == "cache")
        }
        #expect(try await self.storage.getKeys() == [])
        #expect(try await self.storage.clear() == 0)
        #expect(try await Storage(self.root).getItem("cache") == "hidden")
    }

    @Test func saysWhatIsMounted() throws {
        #expect(self.storage.getMount("cache").base == "cache:")
        #expect(self.storage.getMount("/cache/").base == "cache:")
        #expect(self.storage.getMount("cache:a:b").base == "cache:")
        #expect(self.storage.getMount("cached").base.isEmpty)
        #expect(self.storage.getMount().base.isEmpty)
        #expect(self.storage.getMount("cache").driver as? MemoryDriver === self.cache)
        try self.storage.mount("cache2", .null, ttl: .seconds(5))
        try self.storage.mount("cache:deep", .null)
        #expect(self.storage.getMounts().map(\.base) == ["cache:deep:", "cache2:", "cache:", ""])
        #expect(self.storage.getMounts("cache").map(\.base) == ["cache:deep:", "cache:"])
        #expect(self.storage.getMounts("cache:foo").map(\.base).isEmpty)
        #expect(self.storage.getMounts("cache:foo", parents: true).map(\.base) == ["cache:", ""])
        #expect(self.storage.getMount("cache2").ttl == .seconds(5))
    }

    @Test func refusesASecondDriver() throws {
        for base in ["cache", "/cache/", ""] {
            let error = #expect(throws: StorageError.self) { try self.storage.mount(base, .memory) }
            #expect(error?.code == .alreadyMounted)
            #expect(error?.key == normalizeKey(base))
        }
        try self.storage.mount("a:b", .memory)
        let inner = #expect(throws: StorageError.self) { try self.storage.prefixed("a").mount("b/", .memory) }
        #expect(inner?.code == .alreadyMounted)
        #expect(inner?.key == "b", "named as the handle knows it")
        try self.storage.mount("a:c", .memory)
        let error = #expect(throws: StorageError.self) { try self.storage.mount("x", .memory, ttl: .seconds(0)) }
        #expect(error?.code == .invalidOption)
        #expect(self.storage.getMounts().count == 4)
    }

    @Test func unmountingDisposes() async throws {
        try await self.storage.setItem("cache:a", 1)
        try await self.storage.unmount("cache")
        #expect(try await self.storage.getItem("cache:a", as: Int.self) == nil)
        await #expect(throws: StorageError.self) { try await self.cache.getItem("a") }
        let kept = MemoryDriver()
        try self.storage.mount("cache", kept)
        try await self.storage.setItem("cache:a", 2)
        try await self.storage.unmount("cache", dispose: false)
        #expect(try await Storage(kept).getItem("a") == 2)
        try await self.storage.unmount("nothing")
        try await self.storage.unmount("")
        try await self.storage.setItem("root", 1)
        #expect(try await self.storage.getItem("root") == 1)
    }

    @Test func mountsThroughAPrefix() async throws {
        let view = self.storage.prefixed("app")
        try view.mount("cache", .memory)
        try await view.setItem("cache:a", 1)
        #expect(try await self.storage.getItem("app:cache:a") == 1)
        #expect(self.storage.getMounts().map(\.base).contains("app:cache:"))
        #expect(view.getMount("cache").base == "app:cache:")
        #expect(try await view.getKeys("", maxDepth: 1) == ["cache:a"])
        #expect(try await view.getKeys("", maxDepth: 0) == [])
        try await view.unmount("cache")
        #expect(try await view.getKeys() == [])
    }

    @Test func givesItsLifetime() async throws {
        let clock = ManualClock()
        let storage = Storage(MemoryDriver(.init(clock: clock)))
        try storage.mount("short", MemoryDriver(.init(clock: clock)), ttl: .seconds(10))
        try await storage.setItem("short:a", 1)
        try await storage.setItem("short:own", 1, ttl: .seconds(60))
        try await storage.incrementItem("short:count")
        try await storage.updateItem("short:updated", default: 0) { $0 += 1 }
        try await storage.setItems([("short:b", 1), ("ever", 1)])
        try await storage.setItem("short:touched", 1)
        try await storage.touchItem("short:touched", ttl: .forever)
        #expect(try await storage.getMeta("short:a")?.ttl == .seconds(10))
        #expect(try await storage.getMeta("short:own")?.ttl == .seconds(60))
        clock.advance(by: .seconds(10))
        #expect(try await storage.getKeys().sorted() == ["ever", "short:own", "short:touched"])
    }

    @Test func namesTheKeyThatTheCallerKnows() async throws {
        try self.storage.mount("locked", .readOnly(.memory))
        let error = await #expect(throws: StorageError.self) { try await self.storage.setItem("/locked/a", 1) }
        #expect(error?.code == .readOnly)
        #expect(error?.key == "locked:a")
        let inner = await #expect(throws: StorageError.self) {
            try await self.storage.prefixed("locked").setItems([("a/b", 1)])
        }
        #expect(inner?.key == "a:b")
        let batch = await #expect(throws: StorageError.self) { try await self.storage.removeItems(["a", "locked:x"]) }
        #expect(batch?.key == "locked:x")
    }

    @Test func batchesReachEveryMountInTheOrderAsked() async throws {
        try await self.storage.setItems([("cache:a", 1), ("a", 2), ("cache:b", 3)])
        let values = try await self.storage.getItems(["a", "cache:b", "x", "cache:a", "a"], as: Int.self)
        #expect(values == [2, 3, nil, 1, 2])
        #expect(try await self.storage.removeItems(["cache:a", "a", "cache:x"]) == 2)
        #expect(try await self.storage.getKeys() == ["cache:b"])
    }

    @Test func aNewMountIsWatched() async throws {
        let watcher = try await self.storage.watch("new")
        try self.storage.mount("new", .memory)
        try self.storage.mount("new:minimal", MinimalDriver())
        try await self.storage.setItem("new:a", 1)
        try await self.storage.setItem("new:minimal:b", 1)
        try await self.storage.unmount("new:minimal")
        try await self.storage.removeItem("new:a")
        var told: [StorageEvent] = []
        for await event in watcher {
            told.append(event)
            if told.count == 6 { break }
        }
        #expect(
            told == [
                .lagged, .lagged, .update("new:a"), .update("new:minimal:b"), .lagged, .remove("new:a", .removed),
            ]
        )
    }

    @Test func disposingReachesEveryMount() async throws {
        try await self.storage.prefixed("any").dispose()
        await #expect(throws: StorageError.self) { try await self.root.getItem("a") }
        await #expect(throws: StorageError.self) { try await self.cache.getItem("a") }
        let error = #expect(throws: StorageError.self) { try self.storage.mount("late", .memory) }
        #expect(error?.code == .closed)
    }
}
