#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// Reads a folder's entries one after the other, in the order of the file system.
struct FolderReader: ~Copyable {
    struct Entry: Sendable {
        let name: String
        let kind: FileStatus.Kind
    }

    private let stream: OpaqueDirectory

    /// The folder's descriptor, valid as long as the reader.
    let raw: Int32

    /// Takes the handle over.
    init(_ folder: consuming FileHandle) throws(SystemError) {
        let raw = folder.release()
        guard let stream = fdopendir(raw) else {
            let error = SystemError("opendir")
            System.close(raw)
            throw error
        }
        self.stream = stream
        self.raw = raw
    }

    deinit {
        closedir(self.stream)
    }

    /// Returns the next entry whose name is UTF-8, without `.` and `..`; `nil` at the end.
    func next() throws(SystemError) -> Entry? {
        while true {
            errno = 0
            guard let entry = readdir(self.stream) else {
                if errno != 0 { throw SystemError("readdir") }
                return nil
            }
            guard let name = Self.name(of: entry), name != ".", name != ".." else { continue }
            let kind: FileStatus.Kind
            switch Int32(entry.pointee.d_type) {
            case Int32(DT_REG): kind = .file
            case Int32(DT_DIR): kind = .folder
            case Int32(DT_UNKNOWN):
                // Some file systems don't say.
                do { kind = try FileStatus.of(self.raw, name).kind } catch {
                    if error.kind == .notFound { continue }
                    throw error
                }
            default: kind = .other
            }
            return Entry(name: name, kind: kind)
        }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String? {
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return nil }
        let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
        return String(validatingCString: start)
    }

    #if canImport(Darwin)
    private typealias OpaqueDirectory = UnsafeMutablePointer<DIR>
    #else
    private typealias OpaqueDirectory = OpaquePointer
    #endif
}
