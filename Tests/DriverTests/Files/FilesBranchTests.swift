import Foundation
import KVStorage
import KVStorageFiles
import KVStorageTesting
import Synchronization
import Testing

@Suite("Files: a key and keys below it", .timeLimit(.minutes(5)))
struct FilesBranchTests {
    let files: FilesFixture
    let driver: FilesDriver

    init() throws {
        self.files = try FilesFixture()
        self.driver = try self.files.open()
    }

    @Test("An item moves into the folder that takes its place")
    func order() async throws {
        try await self.driver.set("foo", "item")
        #expect(try self.files.files == ["foo"])
        try await self.driver.set("foo:bar", "below")
        #expect(try self.files.files == ["foo/%item", "foo/bar"])
        #expect(try await self.driver.text("foo") == "item")
        #expect(try await self.driver.text("foo:bar") == "below")
        try await self.driver.set("foo", "again")
        #expect(try self.files.text(of: "foo/%item") == "again")
        #expect(try await self.driver.removeItem("foo:bar"))
        #expect(try await self.driver.text("foo") == "again")
        #expect(try await self.driver.removeItem("foo"))
        #expect(try self.files.files.isEmpty && self.files.folders.isEmpty)
        // The other way round.
        try await self.driver.set("foo:bar", "below")
        try await self.driver.set("foo", "item")
        #expect(try await self.driver.removeItem("foo"))
        #expect(try self.files.files == ["foo/bar"])
    }

    @Test("Lifetime and metadata move with the item")
    func footerMoves() async throws {
        try await self.driver.set("foo", "item", ttl: .seconds(60))
        #expect(try await self.driver.setMeta("foo", bytes("{}")))
        let before = try await self.driver.getMeta("foo")
        try await self.driver.set("foo:bar:baz", "below")
        let after = try await self.driver.getMeta("foo")
        #expect(after?.ttl == .seconds(60) && after?.fieldBytes == bytes("{}") && after?.mtime == before?.mtime)
        self.files.clock.advance(by: .seconds(60))
        #expect(try await self.driver.hasItem("foo") == false)
        #expect(try await self.driver.allKeys() == ["foo:bar:baz"])
    }

    @Test("Random writes and removals are those of a dictionary", arguments: [1 as UInt64, 2, 3])
    func model(seed: UInt64) async throws {
        var generator = RepeatableGenerator(seed: seed)
        var model: [String: String] = [:]
        let keys = ["a", "a:b", "a:b:c", "a:b:d", "b"]
        for step in 0..<1500 {
            let key = keys.randomElement(using: &generator) ?? "a"
            if Int.random(in: 0..<5, using: &generator) < 2 {
                let removed = try await self.driver.removeItem(key)
                #expect(removed == (model.removeValue(forKey: key) != nil))
            } else {
                try await self.driver.set(key, "\(step)")
                model[key] = "\(step)"
            }
            for key in keys {
                let value = try await self.driver.text(key)
                #expect(value == model[key], "\(key) after step \(step)")
            }
            if step % 10 == 0 {
                #expect(try await self.driver.allKeys().sorted() == model.keys.sorted())
                #expect(
                    try await self.driver.allKeys("a:").sorted() == model.keys.filter { $0.hasPrefix("a:") }.sorted())
            }
        }
        #expect(try await self.driver.clear("") == model.count)
        #expect(try self.files.files.isEmpty && self.files.folders.isEmpty)
    }

    /// One item stays, the others come and go: whoever reads the one that stays never misses it.
    @Test(
        "A reader never misses an item while others come and go above and below it",
        arguments: [("foo", ["foo:bar", "foo:bar:baz"]), ("foo:bar", ["foo", "foo:bar:baz", "foo:qux"])]
    )
    func neverMissing(stays: String, others: [String]) async throws {
        // Also as another process would.
        let second = try self.files.open()
        let isDone = Flag()
        try await self.driver.set(stays, "0")
        let reads = try await withThrowingTaskGroup(of: Int.self) { group in
            for reader in [self.driver, second] {
                group.addTask {
                    var reads = 0
                    while !isDone.isSet, !Task.isCancelled {
                        let value = try await reader.getItem(stays)
                        #expect(value != nil)
                        let isThere = try await reader.hasItem(stays)
                        #expect(isThere)
                        reads += 1
                        await Task.yield()
                    }
                    return reads
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { writers in
                for (index, writer) in [self.driver, second].enumerated() {
                    writers.addTask {
                        var generator = RepeatableGenerator(seed: UInt64(index))
                        for round in 0..<400 {
                            let key = others.randomElement(using: &generator) ?? stays
                            if Bool.random(using: &generator) {
                                try await writer.set(key, "\(round)")
                            } else {
                                _ = try await writer.removeItem(key)
                            }
                            if round % 7 == 0 { try await writer.set(stays, "\(round)") }
                        }
                    }
                }
                try await writers.waitForAll()
            }
            isDone.set()
            return try await group.reduce(0, +)
        }
        #expect(reads > 0)
        for key in others { _ = try await self.driver.removeItem(key) }
        #expect(try await self.driver.allKeys() == [stays])
        #expect(try self.files.files.count == 1)
    }

    @Test("Items that come at the same time all get there, their folders being made and pruned meanwhile")
    func pruneAgainstCreation() async throws {
        let second = try self.files.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, driver) in [self.driver, second, self.driver, second].enumerated() {
                group.addTask {
                    for round in 0..<300 {
                        let key = "x:y:z:\(index)"
                        try await driver.set(key, "\(round)")
                        let value = try await driver.text(key)
                        #expect(value == "\(round)")
                        #expect(try await driver.removeItem(key))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try self.files.files.isEmpty && self.files.folders.isEmpty)
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)

    var isSet: Bool { self.state.load(ordering: .acquiring) }
    func set() { self.state.store(true, ordering: .releasing) }
}
