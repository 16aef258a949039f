import ChildProcess
import Foundation
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageFiles

#if os(Linux)
/// What stands in a store before and after the commit that the helper `commit-killed` makes.
struct CommitStates {
    static let keys = ["a", "b", "old:log", "deep:new:item", "foo", "foo:bar", "short"]
    static let before = ["100", "100", "log", nil, "1", nil, nil]
    static let after = ["90", "110", nil, "new", "2", "3", "4"]

    static func prepare(_ driver: FilesDriver) async throws {
        for (key, text) in zip(self.keys, self.before) where text != nil { try await driver.set(key, text ?? "") }
    }

    static func read(_ driver: FilesDriver) async throws -> [String?] {
        try await driver.getItems(self.keys).map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Checks that nothing is left on the disk but the items.
    static func checkFiles(_ files: FilesFixture) throws {
        let left = try files.files.filter { $0.contains("%") && !$0.hasPrefix(".%ttl/") && !$0.hasSuffix("/%item") }
        #expect(left == [])
    }
}

@Suite("Files: commits that are cut off", .tags(.processes), .timeLimit(.minutes(5)))
struct FilesCommitKillTests {
    /// Runs the body for a process that was killed after its first system call, for one killed after its second, and so on.
    private func killed(
        _ options: String, _ body: (_ files: FilesFixture, _ count: Int, _ living: FilesDriver) async throws -> Void
    ) async throws {
        var count = 1
        while true {
            let files = try FilesFixture()
            let living = try FilesDriver(path: files.path)
            try await CommitStates.prepare(living)
            let process = try ChildProcess(
                storage: ["commit-killed", "fs:\(files.path)?\(options)", "\(count)"])
            let lines = await process.lines()
            #expect(await process.status() == (lines.isEmpty ? SIGKILL : 0))
            try await body(files, count, living)
            try await living.dispose()
            if lines == ["done"] { break }
            #expect(lines == [])
            count += 1
            guard count < 500 else { throw StorageError(.conflict, "the process never ended") }
        }
        // Less would mean that the calls are not seen.
        #expect(count > 30)
    }

    @Test(
        "After a kill at any system call whoever opens the store finds the commit whole or not at all",
        arguments: ["", "durable"])
    func opening(options: String) async throws {
        var outcomes: [Bool] = []
        try await self.killed(options) { files, count, _ in
            let driver = try FilesDriver(path: files.path)
            let state = try await CommitStates.read(driver)
            #expect(state == CommitStates.before || state == CommitStates.after, "killed after \(count) calls")
            outcomes.append(state == CommitStates.after)
            try CommitStates.checkFiles(files)
            #expect(try await driver.verify().isSound)
            // It stays so.
            _ = try await driver.incrementItem("a", by: 1, WriteOptions())
            #expect(try await driver.text("b") == state[1])
            try await driver.dispose()
        }
        // From the commit point on all are done.
        let first = try #require(outcomes.firstIndex(of: true))
        #expect(outcomes[first...].allSatisfy { $0 })
        #expect(first > 5 && first < outcomes.count - 5)
    }

    @Test(
        "After a kill at any system call who writes one of the keys completes it first, and the rest follows by itself")
    func writing() async throws {
        try await self.killed("") { files, count, living in
            let sum = try await living.incrementItem("b", by: 1, WriteOptions())
            #expect(sum == 101 || sum == 111, "killed after \(count) calls")
            var expected = sum == 101 ? CommitStates.before : CommitStates.after
            expected[1] = "\(sum)"
            let whole = expected
            try await eventually("the commit is whole") { try await CommitStates.read(living) == whole }
            // A transaction over the rest sees it whole at once.
            let check = Commit(
                checks: zip(CommitStates.keys, expected).map { key, text in
                    .init(key, text.map { .bytes(bytes($0)) } ?? .absent)
                })
            #expect(try await living.commit(check) == .committed(found: []))
            let opened = try FilesDriver(path: files.path)
            #expect(try await CommitStates.read(opened) == expected)
            try await opened.dispose()
            try await living.dispose()
            try await FilesDriver(path: files.path).dispose()
            try CommitStates.checkFiles(files)
        }
    }

    @Test(
        "A commit completes what another has left of one of its keys, and so does one that moves an item for a branch")
    func otherWrites() async throws {
        try await self.killed("") { files, count, living in
            // Who makes `a` a branch has to move the item.
            try await living.set("a:below", "1")
            let state = try await living.text("a")
            #expect(state == "90" || state == "100", "killed after \(count) calls")
            let outcome = try await living.commit(
                Commit(
                    checks: [.init("b", .bytes(bytes(state == "90" ? "110" : "100")))],
                    mutations: [
                        .set(key: "old:log", value: bytes("mine"), options: WriteOptions()), .remove(key: "foo"),
                    ]))
            #expect(outcome == .committed(found: [state == "100", true]))
            #expect(try await living.text("old:log") == "mine")
            #expect(try await living.getItem("foo") == nil)
            let opened = try FilesDriver(path: files.path)
            #expect(try await opened.text("old:log") == "mine")
            #expect(try await opened.getItem("foo") == nil)
            // The sweeper of the one may be about to complete the rest, which opening does not wait for.
            try await eventually("the rest is completed") {
                try await opened.text("foo:bar") == (state == "90" ? "3" : nil)
            }
            try await opened.dispose()
            try await living.dispose()
            try await FilesDriver(path: files.path).dispose()
            try CommitStates.checkFiles(files)
        }
    }

    @Test("Processes whose commits cross each other don't wait in a circle, and the sum stays")
    func crossing() async throws {
        let files = try FilesFixture()
        let processes = try (0..<3).map { number in
            try ChildProcess(storage: [
                "transferPair", "fs:\(files.path)?patient\(number == 0 ? ",durable" : "")", number == 0 ? "50" : "300",
            ])
        }
        for process in processes {
            #expect(await process.lines() == [])
            #expect(await process.status() == 0)
        }
        let driver = try FilesDriver(path: files.path)
        let values = try await driver.getItems((0..<4).map { "x\($0)" })
        let numbers = values.map { $0.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0 }
        #expect(numbers.reduce(0, +) == 0)
        #expect(try await driver.allKeys().count <= 4)
        try CommitStates.checkFiles(files)
    }

    @Test("Killed again and again in the middle of their commits, processes lose nothing")
    func killedTransfers() async throws {
        let files = try FilesFixture()
        let living = try FilesDriver(path: files.path)
        for _ in 0..<8 {
            let process = try ChildProcess(storage: ["transferPair", "fs:\(files.path)?patient", "1000000"])
            let start = try await living.text("x0")
            try await eventually("the process has begun") { try await living.text("x0") != start }
            process.kill()
            _ = await process.status()
            // Sees a moment in which all hold.
            var sum: Int?
            try await eventually("nobody writes any more") {
                let values = try await living.getItems((0..<4).map { "x\($0)" })
                let checks = values.enumerated().map { Commit.Check("x\($0)", $1.map { .bytes($0) } ?? .absent) }
                guard case .committed = try await living.commit(Commit(checks: checks)) else { return false }
                sum = values.reduce(0) { $0 + ($1.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0) }
                return true
            }
            #expect(sum == 0)
        }
        try await living.dispose()
        try await FilesDriver(path: files.path).dispose()
        try CommitStates.checkFiles(files)
    }
}
#endif
