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

/// What the file system knows of a name.
struct FileStatus {
    enum Kind: Hashable {
        case file
        case folder
        case other
    }

    /// What tells one file from another, for as long as one of them is open.
    struct Identity: Hashable {
        let device: UInt64
        let number: UInt64
    }

    let kind: Kind
    let size: Int
    /// The permission bits.
    let mode: UInt32
    let identity: Identity
    /// How many names the file has; 0 once it was removed.
    let linkCount: Int
    let owner: UInt32
    let group: UInt32
    /// What the file takes on the disk, in bytes.
    let allocated: Int
    let modified: Timestamp
    /// The same in nanoseconds: what changes when a folder's entries do, as finely as the system counts.
    let stamp: Int64

    private init(_ status: stat) {
        self.kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        self.size = Int(status.st_size)
        self.mode = UInt32(status.st_mode) & 0o7777
        self.identity = Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            number: UInt64(truncatingIfNeeded: status.st_ino)
        )
        self.linkCount = Int(status.st_nlink)
        self.owner = UInt32(status.st_uid)
        self.group = UInt32(status.st_gid)
        self.allocated = Int(status.st_blocks) * 512
        let time = System.modificationTime(of: status)
        self.modified = Timestamp(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
        self.stamp = Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Returns the status of an open file.
    static func of(_ file: Int32) throws(SystemError) -> FileStatus {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw SystemError("stat") }
        return FileStatus(status)
    }

    /// Returns the status of a name in a folder; of a link, not of what it leads to.
    static func of(_ folder: Int32, _ name: String) throws(SystemError) -> FileStatus {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw SystemError("stat") }
        return FileStatus(status)
    }
}

extension FileStatus {
    /// Returns the status of what a path leads to, over links.
    static func of(path: String) throws(SystemError) -> FileStatus {
        var status = stat()
        guard fstatat(AT_FDCWD, path, &status, 0) == 0 else { throw SystemError("stat") }
        return FileStatus(status)
    }
}

extension Timestamp {
    init(seconds: Int, nanoseconds: Int) {
        let (scaled, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1000)
        self.init(milliseconds: overflow ? (seconds < 0 ? .min : .max) : scaled &+ Int64(nanoseconds / 1_000_000))
    }
}
