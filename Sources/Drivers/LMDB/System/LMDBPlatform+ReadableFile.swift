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

extension LMDBPlatform {
    /// A file that is looked at without LMDB; closed when it goes.
    struct ReadableFile: ~Copyable {
        private let descriptor: Int32
        private let isBorrowed: Bool

        /// A lock file that is open nowhere in this process: closing it drops the process's locks on it.
        init(forLocking path: String) throws(StorageError) {
            self.isBorrowed = false
            self.descriptor = open(path, O_RDWR | O_CLOEXEC)
            guard self.descriptor >= 0 else { throw StorageError(lmdb: errno) }
        }

        /// Closes the file now, and not before.
        consuming func end() {}

        /// Takes the environment whose lock file this is, unless another process has it open.
        func takeAlone() -> Bool { kvstorage_lmdb_take_alone(self.descriptor) == 0 }

        /// A file that somebody else has open for longer than this lives.
        init(borrowing descriptor: Int32) {
            self.descriptor = descriptor
            self.isBorrowed = true
        }

        /// - Throws: the error number.
        init(_ path: String) throws(StorageError) {
            self.isBorrowed = false
            self.descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard self.descriptor >= 0 else { throw StorageError(lmdb: errno) }
        }

        deinit {
            if !self.isBorrowed { close(self.descriptor) }
        }

        var byteCount: UInt64 {
            // Reads name their offset, so the position is nobody's.
            UInt64(max(lseek(self.descriptor, 0, SEEK_END), 0))
        }

        static func byteCount(of path: String) -> UInt64 {
            do throws(StorageError) {
                let file = try ReadableFile(path)
                return file.byteCount
            } catch {
                // Without the file there is no size to speak of.
                return 0
            }
        }

        /// Returns so many bytes, or fewer where the file ends.
        func read(_ count: Int, at offset: UInt64) throws(StorageError) -> [UInt8] {
            var errorNumber: Int32 = 0
            let descriptor = self.descriptor
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
                var position = 0
                while position < count {
                    let rest = UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[position...])
                    let got = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(position))
                    if got == 0 { break }
                    if got < 0 {
                        if errno == EINTR { continue }
                        errorNumber = errno
                        break
                    }
                    position += got
                }
                initializedCount = position
            }
            guard errorNumber == 0 else { throw StorageError(lmdb: errorNumber) }
            return bytes
        }
    }
}
