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
    }

    /// Swaps two names in a folder, as one step.
    static func exchange(_ folder: Int32, _ name: String, _ other: String) throws(SystemError) {
        guard renameatx_np(folder, name, folder, other, UInt32(RENAME_SWAP)) == 0 else { throw SystemError("rename") }
    }

    /// Waits until the file's content, or the folder's entries, are on the disk; `fsync` alone leaves them in its cache.
    static func synchronize(_ handle: Int32) throws(SystemError) {
        guard fcntl(handle, F_FULLFSYNC) == 0 || fsync(handle) == 0 else { throw SystemError("fsync") }
    }

    /// Whether the error says that the file system can't swap two names.
    static func lacksExchange(_ error: SystemError) -> Bool {
        error.code == EINVAL || error.code == ENOTSUP
    }
}
#endif
