#if os(Linux) || os(Android)
import CKVStorageFiles
import KVStorage
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// What Linux does in its own way.
extension System {
    /// `UTIME_OMIT`, a macro that Swift does not see: leaves a time as it is.
    static let leaveTime = (1 << 30) - 2

    /// Whether names that differ in case or normal form only are two names; on Linux they are, folders compare bytes.
    static func comparesNamesByBytes(_ base: Int32) -> Bool { true }

    static let coarseClock = CLOCK_MONOTONIC_COARSE

    static func modificationTime(of status: stat) -> timespec { status.st_mtim }

    // Old kernels lack openat2, and some sandboxes forbid it.
    private static let lacksOpenat2 = Atomic(false)

    /// Opens a path of several names below a folder without following a link anywhere in it (`ELOOP`).
    ///
    /// One call of `openat2` with `RESOLVE_NO_SYMLINKS`; without it the folders on the way are opened one by one. As paths
    /// have neither `..` nor a slash at the start, what has no links stays beneath the folder.
    static func openBeneath(_ folder: Int32, _ path: String, _ flags: Int32) throws(SystemError) -> FileHandle {
        if !self.lacksOpenat2.load(ordering: .relaxed) {
            let raw = path.withCString { kvstorage_openat2(folder, $0, UInt64(UInt32(bitPattern: flags))) }
            if raw >= 0 { return FileHandle(owning: raw) }
            guard errno == ENOSYS || errno == EPERM else { throw SystemError("open") }
            // EPERM may come from a sandbox or from the file; the slow way tells.
            if errno == ENOSYS { self.lacksOpenat2.store(true, ordering: .relaxed) }
        }
        return try self.openStepByStep(folder, path, flags)
    }

    static func openStepByStep(_ folder: Int32, _ path: String, _ flags: Int32) throws(SystemError) -> FileHandle {
        let names = PathMapping.names(in: path)
        var current = FileHandle(borrowing: folder)
        for name in names.dropLast() {
            current = try self.openFolder(current.raw, name)
        }
        let raw = openat(current.raw, names.last ?? ".", flags)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    /// Renames unless the new name is taken (`EEXIST`), as one step.
    static func renameExclusively(
        _ from: Int32, _ name: String, to: Int32, _ other: String
    ) throws(SystemError) {
        let result = name.withCString { name in
            other.withCString { kvstorage_renameat2(from, name, to, $0, 1 /* RENAME_NOREPLACE */) }
        }
        if result == 0 {
            SystemHook.did(.rename(from, name, to, other))
            return
        }
        guard errno == EINVAL || errno == ENOSYS else { throw SystemError("rename") }
        // NFS and others: a hard link fails if its name is taken, and that is one step as well.
        try self.link(from, name, to: to, other)
        try self.unlink(from, name)
    }

    /// Swaps two names in a folder, as one step.
    static func exchange(_ folder: Int32, _ name: String, _ other: String) throws(SystemError) {
        guard kvstorage_renameat2(folder, name, folder, other, 2 /* RENAME_EXCHANGE */) == 0 else {
            throw SystemError("rename")
        }
        SystemHook.did(.exchange(folder, name, other))
    }

    /// Waits until the file's content, or the folder's entries, are on the disk.
    static func synchronize(_ handle: Int32) throws(SystemError) {
        try SystemHook.willSynchronize(handle)
        while fsync(handle) != 0 {
            if errno != EINTR { throw SystemError("fsync") }
        }
        SystemHook.did(.synchronize(handle))
    }

    /// Locks that hold between processes, on what is in the base folder under the lock's name.
    static func slotLocks(_ base: Int32, mode: UInt32) -> any SlotLocks { ByteRangeLocks(base: base, mode: mode) }

    /// Locks bytes for this open file against every other, also of this process; `false` if somebody else has one of them.
    static func lockBytes(_ file: Int32, _ start: Int64, _ count: Int64) throws(SystemError) -> Bool {
        while kvstorage_lock_bytes(file, start, count, 0) != 0 {
            switch errno {
            case EAGAIN, EACCES: return false
            case EINTR: continue
            // What the file system answers that has no such locks.
            case EINVAL, EOPNOTSUPP, ENOSYS: throw SystemError("lock", code: ENOLCK)
            default: throw SystemError("lock")
            }
        }
        return true
    }

    static func unlockBytes(_ file: Int32, _ start: Int64, _ count: Int64) {
        while kvstorage_lock_bytes(file, start, count, 1) != 0, errno == EINTR {}
    }

    /// Has the number stand for what another handle stands for, as one step.
    static func replace(_ raw: Int32, by other: Int32) throws(SystemError) {
        while kvstorage_dup3(other, raw, O_CLOEXEC) < 0 {
            if errno != EINTR && errno != EBUSY { throw SystemError("dup") }
        }
    }

    /// When the file was made, in nanoseconds since 1970; 0 if the file system does not say.
    static func birthTime(_ handle: Int32) -> Int64 { kvstorage_birth_time(handle) }

    /// Whether the error says that a file can't have another name.
    static func lacksLinks(_ error: SystemError) -> Bool {
        [EPERM, ENOSYS, EOPNOTSUPP, EMLINK, EINVAL].contains(error.code)
    }

    /// Whether the error says that the file system can't swap two names.
    static func lacksExchange(_ error: SystemError) -> Bool {
        error.code == EINVAL || error.code == ENOSYS || error.code == EOPNOTSUPP
    }
}
#endif
