#if canImport(Darwin)
import Darwin
import KVStorage

/// What Darwin does in its own way.
extension System {
    static let leaveTime = Int(UTIME_OMIT)

    /// Whether names that differ in case or normal form only are two names, as on a case-sensitive volume.
    static func comparesNamesByBytes(_ base: Int32) -> Bool {
        fpathconf(base, Int32(_PC_CASE_SENSITIVE)) == 1
    }

    static let coarseClock = CLOCK_MONOTONIC_RAW_APPROX

    static func modificationTime(of status: stat) -> timespec { status.st_mtimespec }

    /// Opens a path of several names below a folder without following a link anywhere in it (`ELOOP`).
    static func openBeneath(_ folder: Int32, _ path: String, _ flags: Int32) throws(SystemError) -> FileHandle {
        // O_NOFOLLOW_ANY refuses links in every component; it excludes O_NOFOLLOW, which it implies.
        let raw = openat(folder, path, (flags & ~O_NOFOLLOW) | O_NOFOLLOW_ANY)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    /// Renames unless the new name is taken (`EEXIST`), as one step.
    static func renameExclusively(
        _ from: Int32, _ name: String, to: Int32, _ other: String
    ) throws(SystemError) {
        guard renameatx_np(from, name, to, other, UInt32(RENAME_EXCL)) == 0 else { throw SystemError("rename") }
        SystemHook.did(.rename(from, name, to, other))
    }

    /// Swaps two names in a folder, as one step.
    static func exchange(_ folder: Int32, _ name: String, _ other: String) throws(SystemError) {
        guard renameatx_np(folder, name, folder, other, UInt32(RENAME_SWAP)) == 0 else { throw SystemError("rename") }
        SystemHook.did(.exchange(folder, name, other))
    }

    /// Waits until the file's content, or the folder's entries, are on the disk; `fsync` alone leaves them in its cache.
    static func synchronize(_ handle: Int32) throws(SystemError) {
        try SystemHook.willSynchronize(handle)
        guard fcntl(handle, F_FULLFSYNC) == 0 || fsync(handle) == 0 else { throw SystemError("fsync") }
        SystemHook.did(.synchronize(handle))
    }

    /// Locks that hold between processes, on what is in the base folder under the lock's name.
    static func slotLocks(_ base: Int32, mode: UInt32) -> any SlotLocks { StripeLocks(base: base, mode: mode) }

    /// Has the number stand for what another handle stands for.
    static func replace(_ raw: Int32, by other: Int32) throws(SystemError) {
        while dup2(other, raw) < 0 {
            if errno != EINTR { throw SystemError("dup") }
        }
        guard fcntl(raw, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl") }
    }

    /// When the file was made, in nanoseconds since 1970.
    static func birthTime(_ handle: Int32) -> Int64 {
        var status = stat()
        guard fstat(handle, &status) == 0 else { return 0 }
        return Int64(status.st_birthtimespec.tv_sec) &* 1_000_000_000 &+ Int64(status.st_birthtimespec.tv_nsec)
    }

    /// Whether the error says that a file can't have another name.
    static func lacksLinks(_ error: SystemError) -> Bool {
        [EPERM, ENOTSUP, EMLINK, EINVAL].contains(error.code)
    }

    /// Whether the error says that the file system can't swap two names.
    static func lacksExchange(_ error: SystemError) -> Bool {
        error.code == EINVAL || error.code == ENOTSUP
    }
}
#endif
