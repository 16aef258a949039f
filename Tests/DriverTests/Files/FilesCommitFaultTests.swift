import Foundation
import KVStorage
import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorageFiles

#if os(Linux)
@Suite("Files: commits on disks that fail, and what is left of them", .serialized, .timeLimit(.minutes(5)))
struct FilesCommitFaultTests {
    private static let commit = Commit(
        checks: [.init("a", .bytes(bytes("100"))), .init("b", .present)],
        mutations: [
            Self.set("a", "90"), Self.set("b", "110"), .remove(key: "old:log"), Self.set("deep:new:item", "new"),
            Self.set("foo", "2"), Self.set("foo:bar", "3"),
        ])
    private static let before = Array(CommitStates.before.dropLast())
    private static let after = Array(CommitStates.after.dropLast())

    private static func set(_ key: String, _ text: String) -> Mutation {
        .set(key: key, value: bytes(text), options: WriteOptions())
    }

    private func state(_ driver: FilesDriver) async throws -> [String?] {
        Array(try await CommitStates.read(driver).dropLast())
    }

    @Test(
        "After a power loss at any moment the commit is there whole or not at all, and for good once it was acknowledged"
    )
    func powerLoss() async throws {
        let folder = try TemporaryFolder(inMemory: true)
        let disk = try ForgetfulDisk(folder.path)
        defer { disk.end() }
        let driver = try FilesDriver(path: folder.file("base"), configuration: .init(durability: .powerLoss))
        try await CommitStates.prepare(driver)
        let history = try await disk.recording { _ = try await driver.commit(Self.commit) }
        try await driver.dispose()
        #expect(history.count > 30)
        var outcomes: Set<Bool> = []
        for (step, state) in history.enumerated() {
            for seed in 0..<4 {
                // The first time nothing that was not flushed is there.
                var generator = seed == 0 ? nil : RepeatableGenerator(seed: UInt64(step * 100 + seed))
                let restored = try TemporaryFolder(inMemory: true)
                try state.restore(to: restored.path, &generator)
                let opened = try FilesDriver(path: restored.file("base"))
                let found = try await self.state(opened)
                #expect(found == Self.before || found == Self.after, "step \(step), seed \(seed)")
                outcomes.insert(found == Self.after)
                if step == history.count - 1 { #expect(found == Self.after) }
                if step == 0 { #expect(found == Self.before) }
                try await opened.dispose()
            }
        }
        #expect(outcomes == [true, false])
    }

    @Test("A single change of a commit is flushed, too")
    func powerLossOfOne() async throws {
        let folder = try TemporaryFolder(inMemory: true)
        let disk = try ForgetfulDisk(folder.path)
        defer { disk.end() }
        let driver = try FilesDriver(path: folder.file("base"), configuration: .init(durability: .powerLoss))
        try await driver.set("a", "1")
        let checks = [Commit.Check("a", .present), .init("b", .absent)]
        let set = Commit(checks: checks, mutations: [Self.set("x:y", "2"), .remove(key: "none")])
        #expect(try await driver.commit(set) == .committed(found: [false, false]))
        #expect(disk.kept("base/x/y") == bytes("2"))
        #expect(
            try await driver.commit(Commit(checks: checks, mutations: [.remove(key: "x:y")]))
                == .committed(found: [true]))
        #expect(disk.kept("base/x/y") == nil)
        try await driver.dispose()
    }

    @Test("A flush that fails before the commit holds leaves everything as it was; one after it says that it holds")
    func failedFlushes() async throws {
        var number = 0
        var failures: [StorageError.Code?] = []
        while number < 100 {
            let files = try FilesFixture()
            let driver = try files.open { $0.durability = .powerLoss }
            try await CommitStates.prepare(driver)
            // Folders that are known to be flushed by now are not flushed again.
            try await driver.set("deep:other", "1")
            let names = try files.files
            let count = Mutex(0)
            let path = files.path
            let failing = number
            var hook = SystemHook()
            hook.beforeSynchronize = { handle in
                guard SystemWatch.path(of: handle)?.hasPrefix(path) == true else { return nil }
                let current = count.withLock { count in
                    defer { count += 1 }
                    return count
                }
                return current == failing ? SystemError("fsync", code: EIO) : nil
            }
            let id = SystemHook.install(hook)
            let events = EventLog(driver)
            let failure = await self.failure(of: driver)
            SystemHook.remove(id)
            failures.append(failure?.code)
            guard let failure else { break }
            let state = try await self.state(driver)
            let holds = failure.message.contains("commit holds") || failure.message.contains("commit was made")
            #expect(failure.code == .inputOutput)
            if holds {
                #expect(state == Self.after, "flush \(number)")
                #expect(events.all.count == 6)
            } else {
                #expect(state == Self.before, "flush \(number)")
                #expect(events.all == [])
                // `foo` may have been moved into a folder, which is where it stays.
                let moved = names.map { $0 == "foo" ? "foo/%item" : $0 }.sorted()
                #expect([names, moved].contains(try files.files), "flush \(number)")
            }
            // Whoever comes next finds nothing in the way.
            #expect(try await driver.incrementItem("a", by: 1, WriteOptions()) == (holds ? 91 : 101))
            _ = try await driver.commit(Commit(mutations: [Self.set("old:log", "1"), Self.set("b", "1")]))
            try await driver.dispose()
            try await files.open().dispose()
            try CommitStates.checkFiles(files)
            number += 1
        }
        #expect(number > 10 && failures.last == .some(nil))
    }

    private func failure(of driver: FilesDriver) async -> StorageError? {
        do throws(StorageError) {
            _ = try await driver.commit(Self.commit)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "With so little room that any step may fail, a commit is done or nothing has changed",
        .enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func fullDisk() async throws {
        var outcomes: [StorageError.Code?] = []
        for pages in 0..<20 {
            let disk = try SmallDisk(byteCount: 1 << 20)
            let driver = try FilesDriver(path: disk.file("store"))
            let large = String(repeating: "x", count: 5000)
            let keys = ["a", "b:c", "d:e:f"]
            for key in keys { try await driver.set(key, "old") }
            try await driver.set("gone:item", "old")
            try disk.fill()
            let size = try #require(
                try FileManager.default.attributesOfItem(atPath: disk.file("filler"))[.size] as? Int)
            truncate(disk.file("filler"), off_t(size - pages * 4096))
            let mutations = keys.map { Self.set($0, large) } + [.remove(key: "gone:item"), Self.set("new:item", large)]
            var failure: StorageError?
            do throws(StorageError) { _ = try await driver.apply(mutations) } catch { failure = error }
            outcomes.append(failure?.code)
            if failure != nil {
                #expect(failure?.code == .full, "\(pages) pages")
                #expect(try await driver.getItems(keys) == keys.map { _ in bytes("old") })
                #expect(try await driver.allKeys().sorted() == keys + ["gone:item"])
                let names =
                    FileManager.default.enumerator(atPath: disk.file("store"))?.compactMap { $0 as? String } ?? []
                #expect(names.filter { $0.contains(".%tmp") || $0.hasPrefix("new") } == [])
            } else {
                #expect(try await driver.getItems(keys) == keys.map { _ in bytes(large) })
                #expect(try await driver.allKeys().sorted() == keys + ["new:item"])
            }
            // Single writes and removals go on.
            #expect(try await driver.removeItem("a"))
            try await driver.dispose()
        }
        #expect(outcomes.first == .full && outcomes.last == .some(nil))
    }

    /// Returns a valid intent for items that were prepared by hand, and makes what it names.
    private func leave(_ files: FilesFixture, _ id: String, write: String, remove: String) throws {
        let record = CommitRecord(
            isDurable: true,
            parts: [
                .init(kind: .write, key: write, isInside: false), .init(kind: .removal, key: remove, isInside: false),
            ])
        try files.write("left", to: TemporaryName.part(0, of: id))
        try FileManager.default.linkItem(
            atPath: files.folder.file(remove), toPath: files.folder.file(TemporaryName.part(1, of: id)))
        try files.makeFolder(".%commit")
        _ = try files.folder.write(record.encoded, to: ".%commit/\(id)")
    }

    @Test("A commit that was left is completed once: what was written or made since is not undone")
    func once() async throws {
        let files = try FilesFixture()
        try files.write("old", to: "a")
        try files.write("old", to: "b")
        try self.leave(files, "dead-1", write: "a", remove: "b")
        let intent = try files.folder.bytes(of: ".%commit/dead-1")
        let driver = try files.open()
        #expect(try await driver.text("a") == "left")
        #expect(try await driver.allKeys() == ["a"])
        #expect(try files.files == ["a"])
        try await driver.set("a", "newer")
        try await driver.set("b", "newer")
        // As after a power loss that lost the removal of the intent.
        _ = try files.folder.write(intent, to: ".%commit/dead-1")
        let again = try files.open()
        #expect(try await again.text("a") == "newer")
        #expect(try await again.text("b") == "newer")
        #expect(try files.files == ["a", "b"])
        // A file that another program has put in the place of the one that is to be removed stays.
        try self.leave(files, "dead-2", write: "a", remove: "b")
        try FileManager.default.removeItem(atPath: files.folder.file("b"))
        try files.write("foreign", to: "b")
        let third = try files.open()
        #expect(try await third.text("a") == "left")
        #expect(try await third.text("b") == "foreign")
        #expect(try files.files == ["a", "b"])
    }

    @Test("A commit that is left while stores are open is completed by their sweep, and what it needs stays till then")
    func sweeping() async throws {
        let files = try FilesFixture()
        let driver = try files.open()
        try await driver.set("a", "old")
        try await driver.set("b", "old")
        try await driver.set("timer", "1", ttl: .seconds(10))
        try self.leave(files, "dead-1", write: "a", remove: "b")
        // Somebody has one of the keys: opening waits for nobody, and removes nothing that is needed.
        let slot = driver.store.locks.slot(of: "b")
        let base = open(files.path, O_RDONLY)
        let other = System.slotLocks(base, mode: 0o600)
        #expect(try other.tryLock(slot, .both) == .taken)
        let second = try files.open()
        #expect(try files.files.filter { $0.contains(".%tmp") }.count == 2)
        #expect(try await second.text("a") == "old")
        // One of its keys is free, and who writes it completes that.
        #expect(
            await code { () throws(StorageError) in _ = try await second.incrementItem("a", by: 1, WriteOptions()) }
                == .decoding)
        #expect(try await second.text("a") == "left")
        #expect(try await second.text("b") == "old")
        other.unlock(slot, .both)
        close(base)
        let watch = SystemWatch(files.path)
        defer { watch.end() }
        files.clock.advance(by: .seconds(10))
        try await watch.wait { _ in (try? files.files) == ["a"] }
        #expect(try await second.getItem("b") == nil)
        try await driver.dispose()
        try await second.dispose()
    }

    @Test("A damaged or foreign file among the intents is left alone, holds up nobody, and is named when verifying")
    func damaged() async throws {
        let files = try FilesFixture()
        try files.write("old", to: "a")
        try files.write("old", to: "b")
        try self.leave(files, "dead-1", write: "a", remove: "b")
        let intent = try files.folder.bytes(of: ".%commit/dead-1")
        for position in intent.indices {
            var changed = intent
            changed[position] ^= 1
            #expect(CommitRecord(changed) == nil, "byte \(position)")
            #expect(CommitRecord(Array(intent[..<position])) == nil)
        }
        #expect(CommitRecord(intent)?.parts.map(\.key) == ["a", "b"])
        var changed = intent
        changed[intent.count - 2] ^= 1
        _ = try files.folder.write(changed, to: ".%commit/dead-1")
        // None of these is an intent, whatever they say; the last one is what a power loss can leave.
        for name in ["foreign.txt", "dead-1-2", "-", "Dead-1"] {
            _ = try files.folder.write(intent, to: ".%commit/\(name)")
        }
        try files.makeFolder(".%commit/dead-2")
        _ = try files.folder.write([UInt8](repeating: 0, count: 64), to: ".%commit/dead-3")
        let driver = try files.open()
        #expect(try await driver.text("a") == "old")
        try await driver.set("a", "1")
        _ = try await driver.commit(Commit(mutations: [Self.set("a", "2"), Self.set("b", "2")]))
        #expect(try await driver.removeItem("b"))
        #expect(try await driver.clear("") == 1)
        let left = try files.folder.names + files.files
        for name in ["foreign.txt", "dead-1-2", "-", "Dead-1", "dead-1"] { #expect(left.contains(".%commit/\(name)")) }
        #expect(!left.contains(".%commit/dead-3"))
        let problems = try await driver.verify().problems
        #expect(problems.count == 1 && problems[0].hasPrefix(".%commit/dead-1: "))
        // What an intent says is done with items alone, by keys that are some.
        for key in ["../x", "a/b", "", ".%lock", "a$"] {
            let record = CommitRecord(isDurable: false, parts: [.init(kind: .removalByName, key: key, isInside: false)])
            _ = try files.folder.write(record.encoded, to: ".%commit/dead-4")
            try files.write("x", to: TemporaryName.part(0, of: "dead-4"))
            _ = try? files.open()
            #expect(FileManager.default.fileExists(atPath: files.folder.file(".%lock")))
        }
    }
}
#endif
