import KVStorage
import Synchronization

/// Locks on whole files (`flock`), 64 for all keys, in the folder `.%lock` in the base folder: for systems whose locks on
/// bytes belong to the process.
///
/// Keys that share a file wait for each other; that is all. A file that is not empty is marked.
final class StripeLocks: SlotLocks {
    private static let count: UInt64 = 64

    private let base: Int32
    private let mode: UInt32
    /// The files that have been opened, by name; a handle is kept to the end, as others may be about to use it.
    private let files = Mutex<[String: (raw: Int32, generation: Int)]>([:])
    /// Counts how often what was opened before has become that of another folder.
    private let generation = Atomic(0)

    init(base: Int32, mode: UInt32) {
        self.base = base
        self.mode = mode
    }

    deinit {
        for raw in self.files.withLock({ $0.values.map(\.raw) }) { System.close(raw) }
    }

    func slot(ofHash hash: UInt64) -> UInt64 { hash % Self.count }

    func tryLock(_ slot: UInt64, _ parts: SlotParts) throws(SystemError) -> SlotLockResult {
        switch parts {
        case .body: return try self.tryLock(Self.name(slot, isGate: false))
        case .gate: return try self.tryLock(Self.name(slot, isGate: true))
        case .both:
            let gate = try self.tryLock(slot, .gate)
            guard gate == .taken else { return gate }
            let body: SlotLockResult
            do { body = try self.tryLock(slot, .body) } catch {
                self.unlock(slot, .gate)
                throw error
            }
            if body == .taken || body == .takenMarked { return body }
            self.unlock(slot, .gate)
            return body
        }
    }

    func unlock(_ slot: UInt64, _ parts: SlotParts) {
        if parts != .gate { self.unlock(Self.name(slot, isGate: false)) }
        if parts != .body { self.unlock(Self.name(slot, isGate: true)) }
    }

    func mark(_ slot: UInt64) throws(SystemError) {
        guard let raw = try self.open(Self.name(slot, isGate: false)) else {
            throw SystemError("mark", code: System.missing)
        }
        try System.writeByte(raw, 1, at: 0)
    }

    func unmark(_ slot: UInt64) throws(SystemError) {
        guard let raw = try self.open(Self.name(slot, isGate: false)) else { return }
        try System.empty(raw)
    }

    func prepare() throws(SystemError) {
        do { try System.makeFolder(self.base, PathMapping.lockName, self.mode | (self.mode & 0o444) >> 2) } catch {
            if error.kind != .exists && error.kind != .notFound { throw error }
        }
    }

    func reset() {
        self.generation.add(1, ordering: .acquiringAndReleasing)
    }

    private static func name(_ slot: UInt64, isGate: Bool) -> String {
        "\(slot)\(isGate ? "-next" : "")"
    }

    private func unlock(_ name: String) {
        if let raw = self.files.withLock({ $0[name]?.raw }) { System.unlock(raw) }
    }

    private func tryLock(_ name: String) throws(SystemError) -> SlotLockResult {
        for _ in 0..<Store.attemptLimit {
            guard let raw = try self.open(name) else { return .removed }
            guard try System.lock(raw) else { return .busy }
            do throws(SystemError) {
                let status = try FileStatus.of(raw)
                if status.linkCount > 0 { return status.size > 0 ? .takenMarked : .taken }
            } catch {
                self.unlock(name)
                throw error
            }
            self.unlock(name)
            self.reset()
        }
        throw SystemError("lock", code: System.noLocks)
    }

    /// Opens a file that is in the base folder now; `nil` if that was removed.
    private func open(_ name: String) throws(SystemError) -> Int32? {
        // A few calls that do not wait: whoever comes meanwhile needs the outcome.
        try self.files.withLock { files throws(SystemError) -> Int32? in
            let known = files[name]
            let generation = self.generation.load(ordering: .acquiring)
            if let known, known.generation == generation { return known.raw }
            let opened: FileHandle
            do throws(SystemError) {
                try self.prepare()
                let folder = try System.openFolder(self.base, PathMapping.lockName)
                opened = try System.openLockFile(folder.raw, name, self.mode)
            } catch {
                if error.kind == .notFound { return nil }
                throw error
            }
            let raw: Int32
            if let known {
                try System.replace(known.raw, by: opened.raw)
                raw = known.raw
            } else {
                raw = opened.release()
            }
            files[name] = (raw, generation)
            return raw
        }
    }
}
