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

extension LMDBPlatform {
    /// A file that is written from its beginning on; closed when it goes.
    struct WritableFile: ~Copyable {
        let descriptor: Int32
        private let path: String

        /// Creates the file, with exactly these permissions if there are any.
        ///
        /// - Throws: the error number, of a file that is there too.
        init(new path: String, mode: UInt32?) throws(StorageError) {
            self.path = path
            self.descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode ?? 0o666))
            guard self.descriptor >= 0 else { throw StorageError(lmdb: errno) }
            if let mode { fchmod(self.descriptor, mode_t(mode)) }
        }

        deinit {
            close(self.descriptor)
        }

        func write(_ bytes: [UInt8], at start: UInt64) throws(StorageError) {
            var offset = 0
            while offset < bytes.count {
                let written = bytes.withUnsafeBytes { bytes in
                    pwrite(
                        self.descriptor,
                        bytes.baseAddress.map { $0 + offset },
                        bytes.count - offset,
                        off_t(start) + off_t(offset)
                    )
                }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw StorageError(lmdb: written < 0 ? errno : ENOSPC) }
                offset += written
            }
        }

        /// Flushes the file of which so many bytes were written, and gives it its name, which nothing may have yet.
        func finish(byteCount: UInt64, as path: String) throws(StorageError) {
            guard ftruncate(self.descriptor, off_t(byteCount)) == 0, fsync(self.descriptor) == 0,
                rename(self.path, path) == 0
            else { throw StorageError(lmdb: errno) }
        }
    }
}
