import Foundation
import Synchronization

@testable import KVStorageFiles

#if os(Linux)
/// A disk that keeps what was flushed and nothing else, as POSIX allows: a file's content from the flush of the file, a name
/// from the flush of its folder.
final class ForgetfulDisk: Sendable {
    struct State {
        let root: UInt64
        /// What there is: the content of files, the entries of folders, by number.
        var files: [UInt64: [UInt8]] = [:]
        var folders: [UInt64: [String: UInt64]] = [:]
        // What would be there after a power loss.
        var keptFiles: [UInt64: [UInt8]] = [:]
        var keptFolders: [UInt64: [String: UInt64]] = [:]
    }

    private let state: Mutex<State>
    /// What there is and would be after each call, while that is recorded.
    private let history = Mutex<[State]?>(nil)
    private let root: UInt64
    private let rootPath: String
    private let id = Mutex(0)

    /// Starts with an empty folder that is on the disk.
    init(_ path: String) throws {
        self.rootPath = path
        let root = try FileStatus.of(path: path).identity.number
        self.root = root
        self.state = Mutex(State(root: root))
        self.state.withLock {
            $0.folders[root] = [:]
            $0.keptFolders[root] = [:]
        }
        var hook = SystemHook()
        hook.after = { [weak self] call in
            guard let self else { return }
            self.note(call)
            let now = self.state.withLock { $0 }
            self.history.withLock { $0?.append(now) }
        }
        self.id.withLock { $0 = SystemHook.install(hook) }
    }

    func end() { SystemHook.remove(self.id.withLock { $0 }) }

    /// Returns the states after all calls that the body makes the drivers below the folder make.
    func recording(_ body: () async throws -> Void) async throws -> [State] {
        let start = self.state.withLock { $0 }
        self.history.withLock { $0 = [start] }
        try await body()
        return self.history.withLock { history in
            defer { history = nil }
            return history ?? []
        }
    }

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
        case .mark: break
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

extension ForgetfulDisk.State {
    /// Makes in an empty folder what a power loss leaves: of each file and folder what was flushed last, or what there was,
    /// as the generator decides; what was flushed without one.
    func restore(to path: String, _ generator: inout (some RandomNumberGenerator)?) throws {
        var versions: [UInt64: [String: UInt64]] = [:]
        for (number, kept) in self.keptFolders.sorted(by: { $0.key < $1.key }) {
            versions[number] = Self.chooses(&generator) ? self.folders[number] ?? kept : kept
        }
        var paths: [UInt64: String] = [:]
        var pending = [(self.root, path)]
        while let (folder, path) = pending.popLast() {
            for (name, number) in (versions[folder] ?? [:]).sorted(by: { $0.key < $1.key }) {
                let entry = "\(path)/\(name)"
                if self.keptFolders[number] != nil {
                    try FileManager.default.createDirectory(atPath: entry, withIntermediateDirectories: false)
                    pending.append((number, entry))
                } else if let other = paths[number] {
                    try FileManager.default.linkItem(atPath: other, toPath: entry)
                } else {
                    let kept = self.keptFiles[number] ?? []
                    let content = Self.chooses(&generator) ? self.files[number] ?? kept : kept
                    guard FileManager.default.createFile(atPath: entry, contents: Data(content)) else {
                        throw CocoaError(.fileWriteUnknown)
                    }
                    paths[number] = entry
                }
            }
        }
    }

    private static func chooses(_ generator: inout (some RandomNumberGenerator)?) -> Bool {
        guard var source = generator else { return false }
        defer { generator = source }
        return Bool.random(using: &source)
    }
}
#endif
