#if os(Linux) || os(Android)
import KVStorage
import Synchronization

/// Locks on bytes of the file `.%lock` in the base folder: two for each of 16,384 numbers, which keys share by chance only.
///
/// The file is empty until the first commit of several keys; then the byte at the lock's number is its mark. So a lock costs
/// one call more than the locking until then, which looks whether the file is still there and how long it is, and two from then on.
///
/// The locks belong to the open file and not to the process (open file description locks): they hold between stores of one
/// process, too, and closing some other handle of the file does not drop them. What has to be kept apart within one store is
/// its ``KeyQueue``'s affair.
final class ByteRangeLocks: SlotLocks {
    private let base: Int32
    private let mode: UInt32
    /// The lock file; -1 until it is opened. Once there it is only ever replaced, never closed before the end, as others may
    /// be about to use the number.
    private let file = Atomic<Int32>(-1)
    /// Whether the number stands for a file that is not the one in the base folder.
    private let isStale = Atomic(false)
    private let opening = Mutex(())

    init(base: Int32, mode: UInt32) {
        self.base = base
        self.mode = mode
    }

    deinit {
        let raw = self.file.load(ordering: .acquiring)
        if raw >= 0 { System.close(raw) }
    }

    /// How many locks there are: the system looks through all that are held at each locking.
    static let count: UInt64 = 1 << 14

    // The upper half takes in what the multiplications of the hash have mixed best.
    func slot(ofHash hash: UInt64) -> UInt64 { (hash ^ hash >> 32) % Self.count }

    func tryLock(_ slot: UInt64, _ parts: SlotParts) throws(SystemError) -> SlotLockResult {
        // Another process may remove and make the file while we look; that ends when it does.
        for _ in 0..<Store.attemptLimit {
            var raw = self.file.load(ordering: .acquiring)
            if raw < 0 || self.isStale.load(ordering: .acquiring) {
                guard try self.open() else { return .removed }
                raw = self.file.load(ordering: .acquiring)
            }
            guard try System.lockBytes(raw, Self.start(slot, parts), parts == .both ? 2 : 1) else { return .busy }
            do throws(SystemError) {
                // A file that was removed is no longer the one that others lock.
                let status = try FileStatus.of(raw)
                if status.linkCount > 0 {
                    guard parts != .gate, status.size > Int(slot) else { return .taken }
                    return try System.readByte(raw, at: Int(slot)) == 0 ? .taken : .takenMarked
                }
            } catch {
                self.unlock(slot, parts)
                throw error
            }
            self.unlock(slot, parts)
            self.isStale.store(true, ordering: .releasing)
        }
        throw SystemError("lock", code: System.noLocks)
    }

    func unlock(_ slot: UInt64, _ parts: SlotParts) {
        // If the file was replaced meanwhile, nothing is locked there, and unlocking that does nothing.
        System.unlockBytes(
            self.file.load(ordering: .acquiring), Self.start(slot, parts), parts == .both ? 2 : 1)
    }

    func mark(_ slot: UInt64) throws(SystemError) {
        try System.writeByte(self.file.load(ordering: .acquiring), 1, at: Int(slot))
    }

    func unmark(_ slot: UInt64) throws(SystemError) {
        try System.writeByte(self.file.load(ordering: .acquiring), 0, at: Int(slot))
    }

    func prepare() throws(SystemError) {
        if self.file.load(ordering: .acquiring) < 0 || self.isStale.load(ordering: .acquiring) { _ = try self.open() }
    }

    func reset() {
        self.isStale.store(true, ordering: .releasing)
    }

    private static func start(_ slot: UInt64, _ parts: SlotParts) -> Int64 {
        Int64(slot << 1) + (parts == .gate ? 1 : 0)
    }

    /// Opens the file that is in the base folder now; `false` if that was removed.
    private func open() throws(SystemError) -> Bool {
        // Rare, and a few calls that do not wait: whoever comes meanwhile needs the outcome.
        try self.opening.withLock { _ throws(SystemError) in
            let known = self.file.load(ordering: .acquiring)
            if known >= 0, !self.isStale.load(ordering: .acquiring) { return true }
            let opened: FileHandle
            do throws(SystemError) {
                opened = try System.openLockFile(self.base, PathMapping.lockName, self.mode)
            } catch {
                if error.kind == .notFound { return false }
                throw error
            }
            if known < 0 {
                self.file.store(opened.release(), ordering: .releasing)
            } else {
                try System.replace(known, by: opened.raw)
            }
            self.isStale.store(false, ordering: .releasing)
            return true
        }
    }
}
#endif
