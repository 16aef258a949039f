import Foundation
import KVStorage
import Synchronization
import Testing

@testable import KVStorageFiles

#if os(Linux)
/// A disk that keeps what was flushed and nothing else, as POSIX allows: a file's content from the flush of the file, a name
/// from the flush of its folder.
private final class ForgetfulDisk: Sendable {
    private struct State {
        /// What there is: the content of files, the entries of folders, by number.
        var files: [UInt64: [UInt8]] = [:]
        var folders: [UInt64: [String: UInt64]] = [:]
        // What would be there after a power loss.
        var keptFiles: [UInt64: [UInt8]] = [:]
        var keptFolders: [UInt64: [String: UInt64]] = [:]
    }

    private let state = Mutex(State())
    private let root: UInt64
    private let rootPath: String
    private let id = Mutex(0)

    /// Starts with an empty folder that is on the disk.
    init(_ path: String) throws {
        self.rootPath = path
        let root = try FileStatus.of(path: path).identity.number
        self.root = root
        self.state.withLock {
            $0.folders[root] = [:]
            $0.keptFolders[root] = [:]
        }
        var hook = SystemHook()
        hook.after = { [weak self] call in self?.note(call) }
        self.id.withLock { $0 = SystemHook.install(hook) }
    }

    func end() { SystemHook.remove(self.id.withLock { $0 }) }

    /// Returns what a path would hold after a power loss.
    func kept(_ path: String) -> [UInt8]? {
        self.state.withLock { state in
            var number = self.root
            for name in path.split(separator: "/") {
                guard let next = state.keptFolders[number]?[String(name)] else { return nil }
                number = next
            }
            return state.keptFiles[number]
        }
    }

    private static func number(_ handle: Int32) -> UInt64? { try? FileStatus.of(handle).identity.number }

    private func note(_ call: SystemCall) {
        switch call {
        case .makeFolder(nil, let path):
            guard path.hasPrefix(self.rootPath + "/"), let status = try? FileStatus.of(path: path) else { return }
            let (parent, name) = Store.split(path)
            guard let above = try? FileStatus.of(path: parent).identity.number else { return }
            self.add(status.identity.number, isFolder: true, isLink: false, to: above, name)
        case .makeFolder(let folder?, let name), .create(let folder, let name):
            guard let above = Self.number(folder), let status = try? FileStatus.of(folder, name) else { return }
            self.add(
                status.identity.number, isFolder: status.kind == .folder, isLink: status.kind == .other, to: above, name
            )
        case .write(let file, let bytes):
            guard let number = Self.number(file) else { return }
            self.state.withLock { if $0.files[number] != nil { $0.files[number] = bytes } }
        case .synchronize(let handle):
            guard let number = Self.number(handle) else { return }
            self.state.withLock { state in
                if let file = state.files[number] { state.keptFiles[number] = file }
                if let folder = state.folders[number] { state.keptFolders[number] = folder }
            }
        case .rename(let from, let name, let to, let other):
            guard let from = Self.number(from), let to = Self.number(to) else { return }
            self.state.withLock { state in
                guard let number = state.folders[from]?.removeValue(forKey: name) else { return }
                state.folders[to]?[other] = number
            }
        case .exchange(let folder, let name, let other):
            guard let folder = Self.number(folder) else { return }
            self.state.withLock { state in
                let numbers = (state.folders[folder]?[name], state.folders[folder]?[other])
                state.folders[folder]?[name] = numbers.1
                state.folders[folder]?[other] = numbers.0
            }
        case .link(let from, let name, let to, let other):
            guard let from = Self.number(from), let to = Self.number(to) else { return }
            self.state.withLock { state in
                let number = state.folders[from]?[name]
                state.folders[to]?[other] = number
            }
        case .unlink(let folder, let name):
            guard let folder = Self.number(folder) else { return }
            _ = self.state.withLock { $0.folders[folder]?.removeValue(forKey: name) }
        }
    }

    private func add(_ number: UInt64, isFolder: Bool, isLink: Bool, to folder: UInt64, _ name: String) {
        self.state.withLock { state in
            guard state.folders[folder] != nil else { return }
            state.folders[folder]?[name] = number
            // A number is used again; what an earlier file of it had is gone.
            // A link has no content but its name.
            state.keptFiles[number] = isLink ? [] : nil
            state.keptFolders[number] = isFolder ? [:] : nil
            state.files[number] = isFolder || isLink ? nil : []
            state.folders[number] = isFolder ? [:] : nil
        }
    }
}

@Suite("Files: power loss", .timeLimit(.minutes(5)))
struct FilesDurabilityTests {
    let folder: TemporaryFolder
    private let disk: ForgetfulDisk

    init() throws {
        self.folder = try TemporaryFolder(inMemory: true)
        self.disk = try ForgetfulDisk(self.folder.path)
    }

    private func open(_ path: String, _ durability: FilesDriver.Durability) throws -> FilesDriver {
        try FilesDriver(path: self.folder.file(path), configuration: .init(durability: durability))
    }

    @Test("What was acknowledged is there: with every folder name that was made, the base and those above it included")
    func ownFolders() async throws {
        defer { self.disk.end() }
        let driver = try self.open("x/y/base", .powerLoss)
        for key in ["item", "a:b:c", "a:b:d", "a", "a:b", "z:z:z:z"] {
            try await driver.set(key, "value of \(key)")
            // Where it stands by now, which a later write may change.
            for stored in try await driver.allKeys() {
                let path = try driver.store.mapping.path(of: stored)
                let value = self.disk.kept("x/y/base/\(path)") ?? self.disk.kept("x/y/base/\(path)/%item")
                #expect(value == bytes("value of \(stored)"), "\(stored) after \(key)")
            }
        }
        try await driver.set("a:b:c", "again")
        #expect(self.disk.kept("x/y/base/a/b/c") == bytes("again"))
        for key in ["a:b:c", "a:b:d", "z:z:z:z", "item"] {
            #expect(try await driver.removeItem(key))
            #expect(self.disk.kept("x/y/base/" + key.replacing(":", with: "/")) == nil)
        }
        #expect(self.disk.kept("x/y/base/a/b/%item") == bytes("value of a:b"))
        // A folder that was removed is another one when it is made again.
        try await driver.set("z:z:z:z", "new")
        #expect(self.disk.kept("x/y/base/z/z/z/z") == bytes("new"))
    }

    @Test("Folders that a store without flushing has made are flushed before anything in them is acknowledged")
    func foundFolders() async throws {
        defer { self.disk.end() }
        let careless = try self.open("x/base", .processCrash)
        try await careless.set("a:b:c", "1")
        #expect(self.disk.kept("x/base/a/b/c") == nil)
        let driver = try self.open("x/base", .powerLoss)
        try await driver.set("a:b:d", "2")
        #expect(self.disk.kept("x/base/a/b/d") == bytes("2"))
        // Made while the durable store is open.
        try await careless.set("new:folder:c", "1")
        try await driver.set("new:folder:d", "2")
        #expect(self.disk.kept("x/base/new/folder/d") == bytes("2"))
        #expect(try await careless.removeItem("new:folder:c"))
        #expect(try await careless.removeItem("new:folder:d"))
        try await careless.set("new:folder:c", "1")
        try await driver.set("new:folder:d", "3")
        #expect(self.disk.kept("x/base/new/folder/d") == bytes("3"))
        // Known by now: a write costs the flush of the file and that of its folder.
        let count = Mutex(0)
        let path = self.folder.path
        var hook = SystemHook()
        hook.beforeSynchronize = { handle in
            if SystemWatch.path(of: handle)?.hasPrefix(path) == true { count.withLock { $0 += 1 } }
            return nil
        }
        let id = SystemHook.install(hook)
        try await driver.set("new:folder:d", "4")
        SystemHook.remove(id)
        #expect(count.withLock { $0 } == 2)
    }

    @Test("The entry in the index is there before the item")
    func index() async throws {
        defer { self.disk.end() }
        let driver = try self.open("base", .powerLoss)
        try await driver.set("a:item", "1", ttl: .seconds(1000))
        let links = try FileManager.default.subpathsOfDirectory(atPath: self.folder.file("base/.%ttl"))
        let link = try #require(links.max { $0.utf8.count < $1.utf8.count })
        #expect(self.disk.kept("base/.%ttl/\(link)") != nil)
    }
}
#endif
