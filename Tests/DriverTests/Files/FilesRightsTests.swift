import ChildProcess
import Foundation
import KVStorage
import Synchronization
import Testing

@testable import KVStorageFiles

@Suite("Files: rights", .timeLimit(.minutes(5)))
struct FilesRightsTests {
    let files: FilesFixture

    init() throws {
        self.files = try FilesFixture()
    }

    #if os(Linux)
    @Test(
        "A new value is never more open than the item was, not for a moment", arguments: [0o600, 0o640, 0o444, 0o755])
    func neverWider(mode: Int) async throws {
        let driver = try self.files.open()
        try await driver.set("item", "1")
        try self.files.folder.setPermissions(mode, of: self.files.folder.file("item"))
        let seen = Mutex<[UInt32]>([])
        let path = self.files.path
        var hook = SystemHook()
        hook.after = { call in
            switch call {
            case .create(let folder, let name):
                guard SystemWatch.path(of: folder) == path, let status = try? FileStatus.of(folder, name) else {
                    return
                }
                seen.withLock { $0.append(status.mode) }
            case .write(let file, _):
                guard SystemWatch.path(of: file)?.hasPrefix(path + "/") == true, let status = try? FileStatus.of(file)
                else { return }
                seen.withLock { $0.append(status.mode) }
            default: break
            }
        }
        let id = SystemHook.install(hook)
        defer { SystemHook.remove(id) }
        try await driver.set("item", "2")
        try await driver.setItem("item", [UInt8](repeating: 7, count: 100_000), WriteOptions(ttl: .seconds(50)))
        let modes = seen.withLock { $0 }
        #expect(modes.count == 4)
        for wide in modes { #expect(wide & ~UInt32(mode) == 0, "\(String(wide, radix: 8))") }
        #expect(try self.files.mode(of: "item") == mode)
    }
    #endif

    /// What an unprivileged process meets that shares the folder with root.
    private func share() throws {
        try self.files.folder.setPermissions(0o777, of: self.files.path)
        try self.files.makeFolder("lost+found")
        try self.files.write("1", to: "lost+found/secret")
        try self.files.folder.setPermissions(0o700, of: self.files.folder.file("lost+found"))
    }

    private func run(_ command: String) async throws -> [String] {
        let process = try ChildProcess(storage: [command, "fs:\(self.files.path)"], unprivileged: true)
        let lines = await process.lines()
        _ = await process.status()
        return lines
    }

    @Test(
        "Another user's folder that can't be read is skipped, in listings, clearing, watching and verifying",
        .tags(.processes), .enabled(if: geteuid() == 0, "only root can make folders of two users"))
    func foreignFolder() async throws {
        try self.share()
        #expect(try await self.run("tour") == ["keys a:b,c", "watching", "sound 2", "cleared 2", "keys "])
        #expect(try self.files.files == ["lost+found/secret"])
    }

    @Test(
        "An item that can't be read stays when all others are cleared, and is named",
        .tags(.processes), .enabled(if: geteuid() == 0, "only root can make files of two users"))
    func foreignItem() async throws {
        try self.share()
        try self.files.write("1", to: "theirs")
        try self.files.folder.setPermissions(0o600, of: self.files.folder.file("theirs"))
        #expect(
            try await self.run("tour") == [
                "keys a:b,c,theirs", "watching", "problem theirs", "error partlyDone theirs", "keys theirs",
            ])
        #expect(try self.files.files == ["lost+found/secret", "theirs"])
    }
}
