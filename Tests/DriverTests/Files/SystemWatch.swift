import Foundation
import KVStorage
import Synchronization

@testable import KVStorageFiles

#if os(Linux)
/// Sees the system calls of the drivers below a folder; can hold up flushes until it is opened, and fail them.
final class SystemWatch: Sendable {
    struct State: Sendable {
        var isOpen = true
        var holdsFiles = true
        var heldCount = 0
        var fileFlushCount = 0
        var folderFlushCount = 0
        var renameCount = 0
        /// Counts all that changed anything, of whatever folder.
        var changeCount = 0
        /// What the next flushes of folders fail with, one after the other; 0 for one that does not.
        var failures: [Int32] = []
    }

    let state = Watched(State())
    private let path: String
    private let semaphore = DispatchSemaphore(value: 0)
    private let id = Mutex(0)

    init(_ path: String) {
        self.path = path
        var hook = SystemHook()
        hook.beforeSynchronize = { [weak self] in self?.beforeFlush($0) }
        hook.after = { [weak self] call in
            guard let self else { return }
            let isRename = if case .rename(_, _, let folder, _) = call { self.concerns(folder) } else { false }
            self.state.withLock { state in
                state.changeCount += 1
                if isRename { state.renameCount += 1 }
            }
        }
        self.id.withLock { $0 = SystemHook.install(hook) }
    }

    /// Ends the watching; to be called when no driver works below the folder any more.
    func end() {
        self.open()
        SystemHook.remove(self.id.withLock { $0 })
    }

    /// Holds up what is flushed from now on; of files, too, unless told otherwise.
    func hold(files: Bool = true) {
        self.state.withLock {
            $0.isOpen = false
            $0.holdsFiles = files
        }
    }

    func open() {
        let count = self.state.withLock { state in
            state.isOpen = true
            defer { state.heldCount = 0 }
            return state.heldCount
        }
        for _ in 0..<count { self.semaphore.signal() }
    }

    /// Waits for what has to come.
    func wait(until condition: @escaping @Sendable (State) -> Bool) async throws {
        try await self.state.wait(until: condition)
    }

    static func path(of handle: Int32) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(handle)")
    }

    private func concerns(_ handle: Int32) -> Bool {
        guard let path = Self.path(of: handle) else { return false }
        return path == self.path || path.hasPrefix(self.path + "/")
    }

    private func beforeFlush(_ handle: Int32) -> SystemError? {
        guard self.concerns(handle), let status = try? FileStatus.of(handle) else { return nil }
        let isFolder = status.kind == .folder
        let (waits, failure) = self.state.withLock { state -> (Bool, SystemError?) in
            if isFolder { state.folderFlushCount += 1 } else { state.fileFlushCount += 1 }
            if isFolder, !state.failures.isEmpty {
                let code = state.failures.removeFirst()
                return (false, code == 0 ? nil : SystemError("fsync", code: code))
            }
            guard !state.isOpen, isFolder || state.holdsFiles else { return (false, nil) }
            state.heldCount += 1
            return (true, nil)
        }
        if waits { self.semaphore.wait() }
        return failure
    }
}
#endif
