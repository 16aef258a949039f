import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageFiles

@Suite("Files: commits and batches", .timeLimit(.minutes(5)))
struct FilesCommitTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    private func set(_ key: String, _ text: String, _ ttl: TTL = .forever, fields: FieldChange = .keep) -> Mutation {
        .set(key: key, value: bytes(text), options: WriteOptions(ttl: ttl), fields: fields)
    }

    @Test("What is written is there with its metadata, nothing else is left, and what was found is answered")
    func commit() async throws {
        let driver = try self.files.open()
        #expect(driver.capabilities.contains(.atomicCommit) && !driver.capabilities.contains(.wholeReads))
        try await driver.set("a", "1", ttl: .seconds(50))
        try await driver.set("gone:deep:item", "1", ttl: .seconds(60))
        _ = try await driver.setMeta("a", bytes("{}"))
        let outcome = try await driver.commit(
            Commit(
                checks: [.init("a", .bytes(bytes("1"))), .init("b", .absent), .init("gone:deep:item", .present)],
                mutations: [
                    self.set("a", "2", .keep), self.set("b:c", "3", .seconds(70), fields: .replace(bytes("[]"))),
                    .remove(key: "gone:deep:item"), .remove(key: "none"), .touch(key: "none2", ttl: .seconds(1)),
                ]))
        #expect(outcome == .committed(found: [true, false, true, false, false]))
        let entries = try await driver.getEntries(["a", "b:c", "gone:deep:item"])
        #expect(entries.map { $0?.value } == [bytes("2"), bytes("3"), nil])
        #expect(entries.map { $0?.meta.ttl } == [.seconds(50), .seconds(70), nil])
        #expect(entries.map { $0?.meta.fieldBytes } == [bytes("{}"), bytes("[]"), nil])
        #expect(try self.files.files.filter { !$0.hasPrefix(".%ttl/") } == ["a", "b/c"])
        #expect(try self.files.files.count == 4)
        #expect(try self.files.folders.filter { !$0.hasPrefix(".%ttl") } == [".%commit", "b"])
        #expect(try self.files.mode(of: ".%commit") == 0o700)
        // Of touched ones the value and the time of writing stay.
        self.files.clock.advance(by: .seconds(5))
        let touched = try await driver.apply([
            .touch(key: "a", ttl: .seconds(100)), .touch(key: "b:c", ttl: .forever), .touch(key: "b:c", ttl: .keep),
        ])
        #expect(touched == [true, true, true])
        let later = try await driver.getEntries(["a", "b:c"])
        #expect(later.map { $0?.meta.ttl } == [.seconds(100), nil])
        #expect(later.map { $0?.meta.mtime } == [entries[0]?.meta.mtime, entries[1]?.meta.mtime])
        #expect(try self.files.files.count == 3)
        #expect(try await driver.verify().isSound)
    }

    @Test("The first check that does not hold is answered with what there is, and nothing is written")
    func mismatch() async throws {
        let driver = try self.files.open()
        try await driver.set("a", "1")
        let before = try self.files.files
        for (check, current) in [
            (Commit.Check("a", .absent), bytes("1")), (.init("a", .bytes(bytes("2"))), bytes("1")),
            (.init("b", .present), nil), (.init("b", .bytes([])), nil),
        ] {
            let commit = Commit(
                checks: [.init("a", .present), check, .init("c", .present)],
                mutations: [self.set("a", "2"), self.set("d:e", "2"), .remove(key: "a2")])
            #expect(try await driver.commit(commit) == .mismatch(index: 1, current: current))
        }
        #expect(try self.files.files == before)
        #expect(try await driver.text("a") == "1")
        // One key, and checks alone.
        let one = Commit(checks: [.init("a", .absent)], mutations: [.remove(key: "a")])
        #expect(try await driver.commit(one) == .mismatch(index: 0, current: bytes("1")))
        let alone = Commit(checks: [.init("a", .present), .init("b", .absent)])
        #expect(try await driver.commit(alone) == .committed(found: []))
        #expect(try await driver.commit(Commit()) == .committed(found: []))
        let readOnly = try self.files.open { $0.readOnly = true }
        #expect(try await readOnly.commit(alone) == .committed(found: []))
        #expect(
            try await readOnly.commit(Commit(checks: [.init("a", .absent), .init("b", .absent)]))
                == .mismatch(index: 0, current: bytes("1")))
        #expect(
            await code { () throws(StorageError) in _ = try await readOnly.apply([.remove(key: "b")]) } == .readOnly)
        try await driver.dispose()
        #expect(await code { () throws(StorageError) in _ = try await driver.commit(Commit()) } == .closed)
        #expect(await code { () throws(StorageError) in _ = try await driver.apply([]) } == .closed)
    }

    @Test("Of a key that comes twice the last write counts, and each is answered as if they came one by one")
    func twice() async throws {
        let driver = try self.files.open()
        try await driver.set("a", "0")
        let found = try await driver.apply([
            .remove(key: "a"), .remove(key: "a"), self.set("a", "1", .seconds(10), fields: .replace(bytes("1"))),
            .touch(key: "a", ttl: .seconds(20)), self.set("a", "2", .keep), self.set("b", "1"), .remove(key: "b"),
            .touch(key: "b", ttl: .forever), self.set("past", "1", .until(Timestamp(milliseconds: 1))),
            .remove(key: "past"), self.set("c", "1"),
        ])
        #expect(found == [true, false, true, true, true, true, true, false, true, false, true])
        let entry = try await driver.getEntries(["a"])[0]
        #expect(entry?.value == bytes("2") && entry?.meta.ttl == .seconds(20) && entry?.meta.fieldBytes == bytes("1"))
        #expect(try await driver.allKeys().sorted() == ["a", "c"])
        // All of one key: no intent is needed.
        #expect(
            try await driver.apply([self.set("a", "3"), .remove(key: "a"), .remove(key: "a")]) == [true, true, false])
        #expect(try self.files.files.filter { !$0.hasPrefix(".%ttl/") } == ["c"])
    }

    @Test("Items and those below them are written in one commit, whatever stands there before")
    func branches() async throws {
        let keys = ["foo", "foo:bar", "foo:bar:baz", "other"]
        for before in 0..<16 {
            for order in [keys, keys.reversed()] {
                let files = try FilesFixture()
                let driver = try files.open()
                let there = keys.enumerated().filter { before >> $0.offset & 1 == 1 }.map(\.element)
                for key in there { try await driver.set(key, "old") }
                let outcome = try await driver.commit(Commit(mutations: order.map { self.set($0, "new \($0)") }))
                #expect(outcome == .committed(found: order.map(there.contains)))
                for key in keys { #expect(try await driver.text(key) == "new \(key)") }
                #expect(try await driver.allKeys().sorted() == keys)
                let removed = try await driver.apply(order.dropLast().map { .remove(key: $0) })
                #expect(removed == [true, true, true])
                #expect(try await driver.allKeys() == [order[3]])
                #expect(try files.files.count == 1)
            }
        }
    }

    @Test("One event comes for each key that changed, after the commit, in the order of the locks")
    func events() async throws {
        let driver = try self.files.open()
        try await driver.set("b", "1")
        for isWatching in [false, true] {
            let log = isWatching ? try await EventLog.watching(driver) : EventLog(driver)
            let keys = (0..<20).map { "new\(isWatching):\($0)" }
            _ = try await driver.commit(
                Commit(
                    mutations: keys.map { self.set($0, "1") } + [.remove(key: "none"), .touch(key: "b", ttl: .keep)]))
            _ = try await driver.apply(keys.map { .remove(key: $0) })
            let sorted = keys.sorted { driver.store.locks.slot(of: $0) < driver.store.locks.slot(of: $1) }
            try await driver.set("marker\(isWatching)", "1")
            let expected = sorted.map(StorageEvent.update) + sorted.map { .remove($0, .removed) }
            #expect(log.all == expected + [.update("marker\(isWatching)")])
        }
        // Another store, as another process, hears of each once.
        let other = try self.files.open { $0.ignore = ["nothing"] }
        let log = try await EventLog.watching(other)
        _ = try await driver.apply([self.set("p", "1"), self.set("q:r", "1"), .remove(key: "b")])
        // A folder that comes and goes before the other could watch it is a gap.
        try await log.wait { $0.contains(.update("q:r")) }
        _ = try await driver.apply([.remove(key: "p"), .remove(key: "q:r")])
        try await driver.set("last", "1")
        try await log.wait { $0.contains(.update("last")) }
        // That something is gone, and no more, is what the other knows.
        let removals = ["b", "p", "q:r"].map { StorageEvent.remove($0, .unknown) }
        for event in [.update("p"), .update("q:r")] + removals {
            #expect(log.all.count { $0 == event } == 1, "\(event)")
        }
    }

    @Test("A batch of thousands is one commit; its locks and open files stay bounded")
    func large() async throws {
        let driver = try self.files.open { $0.fileMode = 0o600 }
        let keys = (0..<5000).map { "folder\($0 % 100):item\($0)" }
        let found = try await driver.apply(keys.map { self.set($0, "value of \($0)", .seconds(1000)) })
        #expect(found.count == 5000)
        #expect(try await driver.allKeys().count == 5000)
        #expect(Set(keys.map(driver.store.locks.slot)).allSatisfy { $0 < 1 << 14 })
        #expect(try await driver.getItems(keys) == keys.map { bytes("value of \($0)") })
        #expect(try await driver.apply(keys.map { .remove(key: $0) }).allSatisfy(\.self))
        #expect(try self.files.files.isEmpty && self.files.folders == [".%commit"])
    }

    @Test("What is no item is left alone, and nothing else of the commit is written")
    func foreign() async throws {
        let driver = try self.files.open { $0.ignore = ["ignored"] }
        try self.files.makeLink("link", to: "nowhere")
        try self.files.write("x", to: "odd%")
        let refused: [([Mutation], StorageError.Code)] = [
            ([self.set("a:b", "1"), self.set("link", "1")], .permissionDenied),
            ([self.set("a:b", "1", .seconds(5)), self.set("link:below", "1")], .permissionDenied),
            ([self.set("a:b", "1"), self.set("ignored", "1")], .invalidKey),
            ([self.set("a:b", "1"), self.set("bad$", "1")], .invalidKey),
            ([self.set("a:b", "1"), self.set(String(repeating: "x", count: 1025), "1")], .invalidKey),
        ]
        for (mutations, expected) in refused {
            #expect(await code { () throws(StorageError) in _ = try await driver.apply(mutations) } == expected)
            #expect(try self.files.files == ["link", "odd%"])
        }
        #expect(try await driver.apply([.remove(key: "link"), self.set("a", "1")]) == [false, true])
        #expect(try self.files.files == ["a", "link", "odd%"])
        #expect(
            await code { () throws(StorageError) in
                _ = try await driver.commit(Commit(checks: [.init("bad$", .absent)], mutations: [self.set("x", "1")]))
            } == .invalidKey)
    }

    @Test("Commits and single writes go on where the base folder is removed and made again")
    func removedBase() async throws {
        let driver = try self.files.open()
        _ = try await driver.apply([self.set("a", "1"), self.set("b:c", "1")])
        try FileManager.default.removeItem(atPath: self.files.path)
        _ = try await driver.apply([self.set("a", "2"), self.set("b:c", "2")])
        #expect(try await driver.allKeys().sorted() == ["a", "b:c"])
        #expect(try self.files.text(of: "b/c") == "2")
    }

    @Test("What is checked holds in the instant of the writes: a write to a checked key waits, of other stores too")
    func isolation() async throws {
        #if os(Linux)
        let watch = SystemWatch(self.files.path)
        defer { watch.end() }
        let driver = try self.files.open { $0.durability = .powerLoss }
        try await driver.set("checked", "1")
        let other = try self.files.open { $0.ignore = ["nothing"] }
        watch.hold()
        async let outcome = driver.commit(
            Commit(checks: [.init("checked", .bytes(bytes("1")))], mutations: [self.set("p", "2"), self.set("q", "2")]))
        try await watch.wait { $0.heldCount == 1 }
        // The commit has checked, and waits for the disk.
        async let first: Void = driver.set("checked", "2")
        async let second = other.incrementItem("checked", by: 1, WriteOptions())
        try await eventually("a writer waits") { driver.store.locks.waitingCount("checked") >= 1 }
        for _ in 0..<5 {
            await Task.yield()
            #expect(try await driver.text("checked") == "1")
        }
        watch.open()
        #expect(try await outcome == .committed(found: [false, false]))
        try await first
        #expect([2, 3].contains(try await second))
        #endif
    }
}
