import Foundation
import KVStorage
import KVStorageFiles
import Testing

@Suite("Files: verifying and counting", .timeLimit(.minutes(5)))
struct FilesOperationsTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    @Test("A sound store is sound, whatever lies beside its items")
    func sound() async throws {
        let driver = try self.files.open { $0.ignore = ["ignored"] }
        try await driver.set("a", "1")
        try await driver.set("a:b", "2", ttl: .seconds(50))
        try await driver.set("a:b:c", "3")
        _ = try await driver.setMeta("a:b:c", bytes("{}"))
        for name in ["odd%", "a%2Fb", "meta$", "ignored/item", ".%tmp-wx-1"] { try self.files.write("%KV", to: name) }
        let verification = try await driver.verify()
        #expect(verification == StoreVerification(itemCount: 3))
        #expect(verification.isSound)
        let statistics = try await driver.statistics()
        #expect(statistics.itemCount == 3)
        // Four small files, and what the file system takes for each; never nothing.
        #expect(statistics.byteCount >= 3 && statistics.byteCount < 1 << 20)
        try await driver.setItem("large", [UInt8](repeating: 1, count: 1 << 20), WriteOptions())
        #expect(try await driver.statistics().byteCount - statistics.byteCount >= 1 << 20)
        _ = try await driver.clear("")
        #expect(try await driver.statistics().itemCount == 0)
        try await driver.dispose()
        #expect(await code { () throws(StorageError) in _ = try await driver.verify() } == .closed)
        #expect(await code { () throws(StorageError) in _ = try await driver.statistics() } == .closed)
    }

    @Test("What is damaged is named")
    func damaged() async throws {
        let driver = try self.files.open()
        for key in ["a:cut", "a:newer", "a:forgotten", "fine"] { try await driver.set(key, "value", ttl: .seconds(50)) }
        var cut = try self.files.folder.bytes(of: "a/cut")
        cut[0] = UInt8(ascii: "X")
        cut.remove(at: 1)
        _ = try self.files.folder.write(cut, to: "a/cut")
        var newer = try self.files.folder.bytes(of: "a/newer")
        newer[newer.count - 45] = UInt8(ascii: "9")
        _ = try self.files.folder.write(newer, to: "a/newer")
        try FileManager.default.removeItem(atPath: self.files.folder.file(".%ttl"))
        try await driver.set("fine", "value", ttl: .seconds(60))
        let verification = try await driver.verify()
        #expect(!verification.isSound)
        #expect(verification.itemCount == 2)
        for key in ["a:cut", "a:newer", "a:forgotten"] {
            #expect(verification.problems.contains { $0.hasPrefix("\"\(key)\": ") }, "\(key)")
        }
        #expect(verification.problems.count == 3)
        #expect(try await driver.touchItem("a:forgotten", ttl: .seconds(100)))
        #expect(try await driver.verify().problems.count == 2)
    }

    @Test("Verifying while items come and go finds nothing wrong")
    func meanwhile() async throws {
        let driver = try self.files.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for round in 0..<200 {
                        try await driver.set("a:\(task):\(round % 5)", "value", ttl: .seconds(Int64(50 + round)))
                        if round % 3 == 0 { _ = try await driver.removeItem("a:\(task):\(round % 5)") }
                    }
                }
            }
            for _ in 0..<30 {
                let problems = try await driver.verify().problems
                #expect(problems == [])
                _ = try await driver.statistics()
            }
            try await group.waitForAll()
        }
    }
}
