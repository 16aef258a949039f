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

extension SQLitePlatform {
    /// Whether anything has the name, a link that leads nowhere included.
    static func isTaken(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func remove(_ path: String) {
        _ = unlink(path)
    }

    /// Flushes a file that nobody has open, gives it its name, unless that is taken, and flushes the folder.
    static func publish(
        _ path: String,
        as name: String,
        takenError: () -> StorageError
    ) throws(StorageError) {
        try self.flush(path, flags: O_RDWR)
        // Unlike a renaming, a second name never replaces a file that somebody made meanwhile.
        if link(path, name) == 0 {
            _ = unlink(path)
        } else {
            guard errno != EEXIST, !self.isTaken(name) else { throw takenError() }
            // A file system without hard links.
            guard rename(path, name) == 0 else { throw self.error(errno, "the backup could not get its name") }
        }
        try self.flush(self.folder(of: name), flags: O_RDONLY | O_DIRECTORY)
    }

    private static func flush(_ path: String, flags: Int32) throws(StorageError) {
        let file = open(path, flags | O_CLOEXEC)
        guard file >= 0 else { throw self.error(errno, "the backup could not be flushed") }
        defer { self.close(file) }
        #if canImport(Darwin)
        // A plain fsync leaves the data in the drive's cache.
        if fcntl(file, F_FULLFSYNC) == 0 { return }
        #endif
        guard fsync(file) == 0 else { throw self.error(errno, "the backup could not be flushed") }
    }

    private static func error(_ number: Int32, _ what: String) -> StorageError {
        let code: StorageError.Code =
            self.isOutOfSpace(number) ? .full : self.isDenied(number) ? .permissionDenied : .inputOutput
        return StorageError(code, "\(what): \(String(cString: strerror(number)))")
    }
}
