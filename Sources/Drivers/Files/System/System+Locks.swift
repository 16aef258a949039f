#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// Locks on files, and the file that the keys' locks and their marks are in.
extension System {
    /// Opens the file that locks are on, and makes it with exactly that mode if it is missing.
    static func openLockFile(_ folder: Int32, _ name: String, _ mode: UInt32) throws(SystemError) -> FileHandle {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        while true {
            let raw = openat(folder, name, flags)
            if raw >= 0 { return FileHandle(owning: raw) }
            guard errno == ENOENT else { throw SystemError("open") }
            let made = openat(folder, name, flags | O_CREAT | O_EXCL, mode_t(truncatingIfNeeded: mode & 0o600))
            if made >= 0 {
                let handle = FileHandle(owning: made)
                if mode & 0o177 != 0 { try self.setMode(handle.raw, mode) }
                return handle
            }
            // Made by somebody else in between.
            guard errno == EEXIST else { throw SystemError("create") }
        }
    }

    /// Writes one byte of a file that is open for writing; the file grows as needed.
    static func writeByte(_ file: Int32, _ byte: UInt8, at offset: Int) throws(SystemError) {
        while withUnsafeBytes(of: byte, { pwrite(file, $0.baseAddress, 1, off_t(offset)) }) != 1 {
            if errno != EINTR { throw SystemError("write") }
        }
        SystemHook.did(.mark(file, offset, byte))
    }

    /// Reads one byte of a file; 0 if the file ends before.
    static func readByte(_ file: Int32, at offset: Int) throws(SystemError) -> UInt8 {
        var byte: UInt8 = 0
        while withUnsafeMutableBytes(of: &byte, { pread(file, $0.baseAddress, 1, off_t(offset)) }) < 0 {
            if errno != EINTR { throw SystemError("read") }
        }
        return byte
    }

    /// Takes a file's content away.
    static func empty(_ file: Int32) throws(SystemError) {
        while ftruncate(file, 0) != 0 {
            if errno != EINTR { throw SystemError("truncate") }
        }
        SystemHook.did(.mark(file, 0, 0))
    }

    /// Locks the file or folder against other handles, also of other processes, until the handle is closed.
    ///
    /// Never waits: returns `false` if somebody else holds the lock.
    static func lock(_ handle: Int32) throws(SystemError) -> Bool {
        while flock(handle, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            if errno != EINTR { throw SystemError("flock") }
        }
        return true
    }

    /// Gives the lock back that the handle has.
    static func unlock(_ handle: Int32) {
        while flock(handle, LOCK_UN) != 0, errno == EINTR {}
    }

    /// What locking fails with where there are no locks.
    static let noLocks = ENOLCK
}
