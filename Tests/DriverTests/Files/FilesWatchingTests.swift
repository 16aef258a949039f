import Foundation
import KVStorage
import KVStorageFiles
import KVStorageTesting
import Synchronization
import Testing

#if os(Linux)
@Suite("Files: watching", .timeLimit(.minutes(5)))
struct FilesWatchingTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    @Test("Own writes are told once, in order, new folders included")
    func ownWrites() async throws {
        let driver = try self.files.open()
        try await driver.set("before:x", "1")
        let recorder = try await WatchRecorder(driver)
        #expect(driver.capabilities.watching == .external)
        var expected: [StorageEvent] = []
        for number in 0..<50 {
            let key = "a\(number % 7):b\(number):c"
            try await driver.set(key, "1")
            expected.append(.update(key))
            if number % 3 == 0 {
                _ = try await driver.removeItem(key)
                expected.append(.remove(key, .removed))
            }
        }
        try await driver.set("foo", "1")
        try await driver.set("foo:bar", "1")
        try await driver.set("foo", "2")
        _ = try await driver.removeItem("foo")
        _ = try await driver.touchItem("foo:bar", ttl: .seconds(5))
        _ = try await driver.setMeta("foo:bar", [1])
        expected += [
            .update("foo"), .update("foo:bar"), .update("foo"), .remove("foo", .removed), .update("foo:bar"),
            .update("foo:bar"),
        ]
        #expect(try await recorder.all() == expected)
        self.files.clock.advance(by: .seconds(5))
        #expect(await recorder.events(upTo: .remove("foo:bar", .expired)).isEmpty)
    }

    @Test("Own writes of many tasks into the same new folders are told once each")
    func concurrentOwnWrites() async throws {
        let driver = try self.files.open()
        let recorder = try await WatchRecorder(driver)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<60 { try await driver.set("d\(number % 10):e\(number):\(task)", "1") }
                }
            }
            try await group.waitForAll()
        }
        let events = try await recorder.all()
        #expect(events.count == 480)
        #expect(Set(events).count == 480)
    }

    @Test("Another store's writes come under the right keys")
    func otherWrites() async throws {
        let recorder = try await WatchRecorder(try self.files.open())
        // As another process: stores with other patterns share nothing.
        let other = try self.files.open { $0.ignore = ["nothing"] }
        try await other.set("x", "1")
        try await other.set("n:e:w", "1")
        try await other.set("100%:a\u{1}b", "1")
        try await other.set("x", "2", ttl: .seconds(60))
        _ = try await other.removeItem("x")
        #expect(
            await recorder.events(upTo: .remove("x", .unknown)).filter {
                $0 != .update("n:e:w") && $0 != .update("100%:a\u{1}b")
            }
                == [
                    .update("x"), .update("x"),
                ])
        let long = String(repeating: "k", count: 700)
        try await other.set("\(long):b", "1")
        _ = await recorder.events(upTo: .update("\(long):b"))
        try await other.set("foo", "1")
        try await other.set("foo:bar", "1")
        #expect(!(await recorder.events(upTo: .update("foo:bar"))).contains { $0 != .update($0.key ?? "") })
        try await other.set("foo", "2")
        _ = await recorder.events(upTo: .update("foo"))
        _ = try await other.removeItem("foo")
        _ = await recorder.events(upTo: .remove("foo", .unknown))
    }

    @Test("Writes by hand, renames, links and new folders are told")
    func byHand() async throws {
        try self.files.makeFolder("there")
        let recorder = try await WatchRecorder(try self.files.open())
        let manager = FileManager.default
        try self.files.write("1", to: "one")
        #expect(await recorder.events(upTo: .update("one")).isEmpty)
        try self.files.write("1", to: "there/two.json")
        #expect(await recorder.events(upTo: .update("there:two.json")).isEmpty)
        try manager.moveItem(atPath: self.files.folder.file("one"), toPath: self.files.folder.file("there/uno"))
        #expect(await recorder.events(upTo: .update("there:uno")) == [.remove("one", .unknown)])
        try manager.linkItem(atPath: self.files.folder.file("there/uno"), toPath: self.files.folder.file("linked"))
        #expect(await recorder.events(upTo: .update("linked")).isEmpty)
        try manager.moveItem(atPath: self.files.folder.file("there"), toPath: self.files.folder.file("here"))
        let moved = try await recorder.allByHand(self.files)
        #expect(
            Set(moved) == [
                .remove("there:uno", .unknown), .remove("there:two.json", .unknown), .update("here:uno"),
                .update("here:two.json"),
            ])
        #expect(moved.count == 4)
        try self.files.write("2", to: "here/uno")
        #expect(await recorder.events(upTo: .update("here:uno")).isEmpty)
        try manager.removeItem(atPath: self.files.folder.file("here"))
        let gone = try await recorder.allByHand(self.files)
        #expect(Set(gone) == [.remove("here:uno", .unknown), .remove("here:two.json", .unknown)])
        // A tree that is moved in, and one that is moved out.
        // On the same file system, as else it would be a copy.
        let elsewhere = try TemporaryFolder(inMemory: true)
        try manager.createDirectory(atPath: elsewhere.file("tree/sub"), withIntermediateDirectories: true)
        _ = try elsewhere.write([1], to: "tree/sub/item")
        try manager.moveItem(atPath: elsewhere.file("tree"), toPath: self.files.folder.file("tree"))
        #expect(await recorder.events(upTo: .update("tree:sub:item")).isEmpty)
        try manager.moveItem(atPath: self.files.folder.file("tree"), toPath: elsewhere.file("out"))
        #expect(await recorder.events(upTo: .lagged).isEmpty)
    }

    @Test(
        "A file that is replaced by renaming another is one event, whenever that other is closed",
        arguments: [true, false])
    func atomicWrite(isClosedBefore: Bool) async throws {
        try self.files.write("0", to: "item")
        let recorder = try await WatchRecorder(try self.files.open())
        for round in 1...3 {
            let temporary = self.files.folder.file(".dat.nosync\(round)")
            let file = open(temporary, O_CREAT | O_WRONLY, 0o644)
            #expect(write(file, "\(round)", 1) == 1)
            if isClosedBefore { close(file) }
            #expect(rename(temporary, self.files.folder.file("item")) == 0)
            let events = await recorder.events(upTo: .update("item"))
            if isClosedBefore {
                // It was an item for a moment.
                #expect(events == [.update(".dat.nosync\(round)"), .remove(".dat.nosync\(round)", .unknown)])
            } else {
                #expect(events.isEmpty)
                close(file)
                #expect(try await recorder.allByHand(self.files).isEmpty)
            }
        }
        // One that is written on after its name was emitted.
        let file = open(self.files.folder.file("new"), O_CREAT | O_WRONLY, 0o644)
        #expect(rename(self.files.folder.file("new"), self.files.folder.file("other")) == 0)
        #expect(await recorder.events(upTo: .update("other")).allSatisfy { $0 == .update($0.key ?? "") })
        #expect(write(file, "more", 4) == 4)
        close(file)
        #expect(await recorder.events(upTo: .update("other")).isEmpty)
        // One that comes and goes without being closed was never there.
        let brief = open(self.files.folder.file("brief"), O_CREAT | O_WRONLY, 0o644)
        unlink(self.files.folder.file("brief"))
        close(brief)
        #expect(try await recorder.allByHand(self.files).isEmpty)
    }

    @Test("What is no item is not told")
    func foreign() async throws {
        let recorder = try await WatchRecorder(try self.files.open { $0.ignore = ["ignored"] })
        try self.files.write("1", to: "meta$")
        try self.files.write("1", to: "odd%")
        try self.files.write("1", to: ".unstorage-tmp-1")
        try self.files.write("1", to: "ignored/deep/item")
        try self.files.makeLink("link", to: "odd%")
        try self.files.makeFolder("folder")
        #expect(try await recorder.allByHand(self.files).isEmpty)
    }

    @Test("A queue that overflows is a gap, and the watching goes on, also in folders made meanwhile")
    func overflow() async throws {
        let text = (try? String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)) ?? ""
        let limit = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        let driver = try self.files.open()
        let recorder = try await WatchRecorder(driver)
        // An observer that holds the events up until more have come than the kernel keeps.
        let gate = Mutex(())
        let held = DispatchSemaphore(value: 0)
        let observer = driver.events?.addObserver { event in
            if event == .update("hold") {
                held.signal()
                gate.withLock { _ in }
            }
        }
        try gate.withLock { _ in
            try self.files.write("1", to: "hold")
            held.wait()
            let path = self.files.folder.path
            for number in 0..<(limit / 2 + 100) {
                let name = "\(path)/f\(number % 2)"
                close(Foundation.open(name, O_CREAT | O_WRONLY, 0o644))
                unlink(name)
            }
            try self.files.makeFolder("late/folder")
        }
        _ = await recorder.events(upTo: .lagged)
        if let observer { driver.events?.removeObserver(observer) }
        _ = try await recorder.all()
        try self.files.write("1", to: "late/folder/item")
        _ = await recorder.events(upTo: .update("late:folder:item"))
    }

    @Test("Stores of one process tell each other everything, items that come and go in new folders included")
    func sameProcess() async throws {
        let recorder = try await WatchRecorder(try self.files.open())
        let other = try self.files.open()
        var expected: [StorageEvent] = []
        for number in 0..<50 {
            try await other.set("new\(number):folder:item", "1")
            _ = try await other.removeItem("new\(number):folder:item")
            expected += [.update("new\(number):folder:item"), .remove("new\(number):folder:item", .removed)]
        }
        try await other.set("end", "1")
        #expect(await recorder.events(upTo: .update("end")) == expected)
        // One that is disposed hears and tells nothing more, the other goes on.
        try await other.dispose()
        #expect(try await recorder.all() == [])
    }

    @Test("A folder that comes and goes before it could be watched is a gap")
    func briefFolder() async throws {
        let driver = try self.files.open()
        let recorder = try await WatchRecorder(driver)
        let gate = Mutex(())
        let held = DispatchSemaphore(value: 0)
        let observer = driver.events?.addObserver { event in
            if event == .update("hold") {
                held.signal()
                gate.withLock { _ in }
            }
        }
        try gate.withLock { _ in
            try self.files.write("1", to: "hold")
            held.wait()
            try self.files.write("1", to: "brief/item")
            try FileManager.default.removeItem(atPath: self.files.folder.file("brief"))
        }
        #expect(await recorder.events(upTo: .lagged) == [.update("hold")])
        if let observer { driver.events?.removeObserver(observer) }
    }

    @Test("A store that is watched can be disposed and opened again")
    func dispose() async throws {
        for _ in 0..<20 {
            let driver = try self.files.open()
            let recorder = try await WatchRecorder(driver)
            try await driver.set("a:b", "1")
            #expect(await recorder.events(upTo: .update("a:b")).isEmpty)
            _ = try await driver.removeItem("a:b")
            try await driver.dispose()
        }
    }
}
#endif
