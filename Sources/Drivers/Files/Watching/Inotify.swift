#if os(Linux) || os(Android)
import CKVStorageFiles

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// The kernel's queue of changes to folders.
struct Inotify: ~Copyable {
    struct Event {
        let watch: Int32
        let mask: UInt32
        /// The same for both halves of a rename.
        let cookie: UInt32
        /// Empty if the event is about the folder itself, or if the name is not UTF-8.
        let name: String

        func has(_ bits: Int32) -> Bool { self.mask & UInt32(bitPattern: bits) != 0 }
        var isFolder: Bool { self.mask & UInt32(1 << 30) != 0 /* IN_ISDIR */ }
        var isOverflow: Bool { self.has(IN_Q_OVERFLOW) }
        var isIgnored: Bool { self.has(IN_IGNORED) }
        var isMovedFrom: Bool { self.has(IN_MOVED_FROM) }
        var isMovedTo: Bool { self.has(IN_MOVED_TO) }
        var isDelete: Bool { self.has(IN_DELETE) }
        var isCreate: Bool { self.has(IN_CREATE) }
        var isCloseWrite: Bool { self.has(IN_CLOSE_WRITE) }
    }

    private static let mask = UInt32(
        bitPattern: IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR)

    private let handle: FileHandle

    var queue: Int32 { self.handle.raw }

    init() throws(SystemError) {
        let raw = inotify_init1(Int32(O_NONBLOCK) | Int32(O_CLOEXEC))
        guard raw >= 0 else { throw SystemError("inotify_init") }
        self.handle = FileHandle(owning: raw)
    }

    /// Gives the queue to the caller, who has to close it.
    consuming func release() -> Int32 { self.handle.release() }

    /// Watches an open folder and returns the watch's number, which is the same when the folder is watched already.
    static func add(_ queue: Int32, _ folder: Int32) throws(SystemError) -> Int32 {
        // By the handle, not by the path, which might have become another folder's.
        let watch = inotify_add_watch(queue, "/proc/self/fd/\(folder)", self.mask)
        guard watch >= 0 else { throw SystemError("inotify_add_watch") }
        return watch
    }

    static func remove(_ queue: Int32, _ watch: Int32) {
        inotify_rm_watch(queue, watch)
    }

    /// Returns the events that are there, as many as fit a buffer; none if there are none.
    static func read(_ queue: Int32) -> [Event] {
        let size = 64 * 1024
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, readEvents(queue, buffer.baseAddress, size))
        }
        var events: [Event] = []
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            let header = MemoryLayout<inotify_event>.size
            while offset + header <= buffer.count {
                let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                let name = buffer[(offset + header)..<(offset + header + Int(event.len))].prefix { $0 != 0 }
                offset += header + Int(event.len)
                let text = String(validating: name, as: UTF8.self) ?? ""
                events.append(Event(watch: event.wd, mask: event.mask, cookie: event.cookie, name: text))
            }
        }
        return events
    }
}

// Outside of the type, where the name would mean its own function.
private func readEvents(_ queue: Int32, _ start: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(queue, start, count)
}
#endif
