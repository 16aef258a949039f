import CKVStorageLMDB
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

/// What the driver asks of the operating system beside LMDB.
enum LMDBPlatform {
    enum FileKind {
        case missing
        case regular
        case folder
        case other
        case unreachable(errorNumber: Int32)
    }

    /// A file, whatever path leads to it.
    struct FileIdentity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    /// What the file system says of a file.
    struct FileLook {
        let identity: FileIdentity
        let byteCount: UInt64
        let linkCount: UInt64
    }

    static let inputOutputError = EIO
    static let invalidArgument = EINVAL

    static func kind(of path: String) -> FileKind {
        var file = kvstorage_lmdb_file()
        switch kvstorage_lmdb_look(path, &file) {
        case 0: break
        case ENOENT: return .missing
        case let errorNumber: return .unreachable(errorNumber: errorNumber)
        }
        return switch file.kind {
        case kvstorage_lmdb_regular: .regular
        case kvstorage_lmdb_folder: .folder
        default: .other
        }
    }

    static func identity(of path: String) -> FileIdentity? {
        self.look(at: path)?.identity
    }

    /// Returns `nil` if the file is not there or can't be reached.
    static func look(at path: String) -> FileLook? {
        var file = kvstorage_lmdb_file()
        guard kvstorage_lmdb_look(path, &file) == 0 else { return nil }
        let identity = FileIdentity(device: file.device, inode: file.inode)
        return FileLook(identity: identity, byteCount: file.bytes, linkCount: file.links)
    }

    /// Creates a folder and returns zero or the error number; one that is there already is fine unless it has to be
    /// new.
    static func makeFolder(_ path: String, mode: UInt32? = nil, mustBeNew: Bool = false) -> Int32 {
        guard mkdir(path, mode_t(mode ?? 0o777)) != 0 else {
            if let mode { chmod(path, mode_t(mode)) }
            return 0
        }
        return errno == EEXIST && !mustBeNew ? 0 : errno
    }

    /// Creates an empty file with exactly these permissions and returns zero or the error number; one that is there is
    /// left as it is.
    static func makeFile(_ path: String, mode: UInt32) -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
        guard descriptor >= 0 else { return errno == EEXIST ? 0 : errno }
        defer { close(descriptor) }
        return fchmod(descriptor, mode_t(mode)) == 0 ? 0 : errno
    }

    /// Returns the permission bits of a file, `nil` if it can't be reached.
    static func mode(of path: String) -> UInt32? {
        var file = kvstorage_lmdb_file()
        return kvstorage_lmdb_look(path, &file) == 0 ? file.mode : nil
    }

    /// Returns the path from the root on, free of links, or the path itself if there is none.
    static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Flushes the names in a folder and returns zero or the error number; where that can't be done or isn't allowed,
    /// nothing is done.
    static func flushFolder(_ path: String) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == EACCES ? 0 : errno }
        defer { close(descriptor) }
        guard fsync(descriptor) != 0 else { return 0 }
        return errno == EINVAL || errno == EROFS ? 0 : errno
    }

    /// Returns zero if the folder can be written, else the error number.
    static func writeAccess(to path: String) -> Int32 {
        access(path, W_OK | X_OK) == 0 ? 0 : errno
    }

    static var processorCount: Int {
        max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
    }

    /// A number that differs between threads that run at the same time, for most of them.
    @inline(__always)
    static var threadNumber: Int {
        // A number on some systems, a pointer on others.
        let address = withUnsafeBytes(of: pthread_self()) { UInt64($0.load(as: UInt.self)) }
        // Stacks lie a power of two apart; the product's high bits depend on all of them.
        return Int(truncatingIfNeeded: (address >> 12 &* 0x9E37_79B9_7F4A_7C15) >> 33)
    }

    /// Blocks the thread; only for the driver's own, or while a driver is opened.
    static func pause(_ round: Int) {
        if round < 100 { _ = sched_yield() } else { usleep(50) }
    }

    /// Returns whether so many bytes of address space are free.
    static func canMap(_ bytes: Int) -> Bool {
        guard let address = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0), address != MAP_FAILED else {
            return false
        }
        munmap(address, bytes)
        return true
    }

    /// Returns the error of writing 1 MiB behind where the file ends, in a file of its own that is gone at once, or
    /// `nil` if that works.
    static func reasonNotToWrite(beside path: String) -> Int32? {
        let probe = path + ".probe-\(getpid())"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno }
        unlink(probe)
        defer { close(descriptor) }
        // A limit on the size of a file counts from its beginning.
        var offset = ReadableFile.byteCount(of: path)
        let end = offset + (1 << 20)
        let block = [UInt8](repeating: 0x5A, count: 1 << 16)
        while offset < end {
            let written = pwrite(descriptor, block, Int(min(end - offset, UInt64(block.count))), off_t(offset))
            if written < 0 {
                if errno == EINTR { continue }
                return errno
            }
            // What was cut short tells why when it is tried again.
            offset += UInt64(written)
        }
        return nil
    }

    static func meaning(of errorNumber: Int32) -> (StorageError.Code, String) {
        switch errorNumber {
        case ENOSPC, EDQUOT, EFBIG:
            (.full, "the disk, a quota or a file size limit is full; nothing was written, make room and try again")
        case EACCES, EPERM:
            (.permissionDenied, "access to the environment was denied; check the permissions of its folder and files")
        case EROFS:
            (.readOnly, "the environment lies on a read-only file system, and LMDB writes for reading too")
        case ENOMEM:
            (.unavailable, "there is no memory or address space left for the environment")
        case EMFILE, ENFILE:
            (.unavailable, "too many files are open; raise the limit or close some")
        case ENOENT, ENOTDIR:
            (.invalidOption, "the environment's folder is not there; create its parent folder first")
        default:
            (.inputOutput, "reading or writing the environment failed")
        }
    }

    /// Returns the folder that a file or a folder is in.
    static func parent(of path: String) -> String {
        var path = path.utf8[...]
        while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(decoding: path[..<slash], as: UTF8.self)
    }

    static func removeFile(_ path: String) { unlink(path) }

    static func removeFolder(_ path: String) { rmdir(path) }

    static let fileExists = EEXIST
}
