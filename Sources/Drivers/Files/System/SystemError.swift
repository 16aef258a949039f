import KVStorage

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// A system call that failed: which one, and its `errno`.
struct SystemError: Error, Hashable, CustomStringConvertible {
    let code: Int32
    let call: String

    init(_ call: String) {
        self.code = errno
        self.call = call
    }

    init(_ call: String, code: Int32) {
        self.code = code
        self.call = call
    }

    var description: String { "\(self.call): \(String(cString: strerror(self.code)))" }

    /// What callers branch on; matched with `~=` and `==`.
    var kind: Kind {
        switch self.code {
        case ENOENT: .notFound
        case EEXIST, ENOTEMPTY: .exists
        case ENOTDIR: .notAFolder
        case EISDIR: .isAFolder
        case ELOOP: .symbolicLink
        case ENXIO, ENODEV, EOPNOTSUPP: .notAFile
        default: .other
        }
    }

    /// Whether a flush failed as there is nothing to flush.
    var meansUnflushable: Bool {
        self.code == EINVAL || self.code == EROFS || self.code == EOPNOTSUPP
    }

    enum Kind {
        case notFound
        case exists
        case notAFolder
        case isAFolder
        case symbolicLink
        /// A socket or a device, which can't be opened.
        case notAFile
        case other
    }

    /// Returns the error that a caller of the driver is thrown.
    func storageError(_ key: String?) -> StorageError {
        let (code, advice): (StorageError.Code, String) =
            switch self.code {
            case EACCES, EPERM: (.permissionDenied, "check the owner and the mode of the files and folders")
            case EROFS: (.readOnly, "the file system is mounted read-only")
            case ENOSPC: (.full, "make room on the disk; nothing was written")
            case EDQUOT: (.full, "the quota is used up; nothing was written")
            case EFBIG: (.tooLarge, "the value is larger than the file system or a limit of the process allows")
            case EMFILE: (.unavailable, "the process has too many files open; raise its limit (ulimit -n)")
            case ENFILE: (.unavailable, "the system has too many files open")
            case ENAMETOOLONG: (.invalidKey, "the key is too long for this file system")
            case ELOOP: (.permissionDenied, "a symbolic link stands in the key's path, and links are never followed")
            case EXDEV:
                (.notSupported, "a folder on the way is on another file system; mount a driver of its own there")
            case ENOMEM: (.unavailable, "the system is out of memory")
            default: (.inputOutput, "the file system failed")
            }
        return StorageError(code, "\(self) (\(advice))", key: key, underlying: self)
    }
}
