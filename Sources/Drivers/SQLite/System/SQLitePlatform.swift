#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// What the driver asks of the operating system beside SQLite.
enum SQLitePlatform {
    enum FileKind {
        case missing
        case regular(bytes: Int64)
        case folder
        case other
    }

    enum Access {
        case granted
        case denied
        case readOnlyMedium
    }

    static func kind(of path: String) -> FileKind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .regular(bytes: Int64(status.st_size))
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    static func writeAccess(to path: String) -> Access {
        guard access(path, W_OK) != 0 else { return .granted }
        return errno == EROFS ? .readOnlyMedium : .denied
    }

    /// Returns the first bytes of a file that is none of SQLite's locked ones; fewer, or none, if there are not as many.
    static func firstBytes(of path: String, _ count: Int) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return [] }
        defer { self.close(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        let readCount = pread(file, &bytes, count, 0)
        return Array(bytes.prefix(max(readCount, 0)))
    }

    static func canRead(_ path: String) -> Bool {
        access(path, R_OK) == 0
    }

    /// Returns the path with symbolic links resolved, or unchanged if that fails: SQLite names the log after it.
    static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static var processorCount: Int {
        max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
    }

    static func isOutOfSpace(_ errorNumber: Int32) -> Bool {
        errorNumber == ENOSPC || errorNumber == EDQUOT || errorNumber == EFBIG
    }

    static func isDenied(_ errorNumber: Int32) -> Bool {
        errorNumber == EACCES || errorNumber == EPERM
    }

    /// Blocks the thread; only for the driver's own.
    static func sleep(microseconds: UInt32) {
        usleep(microseconds)
    }
}
