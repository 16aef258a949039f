internal import CKVStorageHiredis

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// What the driver asks of the operating system; the only file that knows which one it is.
enum RedisPlatform {
    /// What to wait for on a socket.
    struct Interest {
        var descriptor: Int32
        var reads = true
        var writes = false
    }

    /// The number for bytes that are not what they should be.
    static let protocolError = EPROTO

    // MARK: - Time

    /// The time by a clock that only goes forward; some milliseconds coarse, which timeouts don't mind.
    static var now: Instant {
        var time = timespec()
        #if os(Linux) || os(Android)
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        #else
        clock_gettime(CLOCK_MONOTONIC, &time)
        #endif
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    // MARK: - Threads

    private final class ThreadBody {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Starts a thread and returns whether there is one.
    static func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        let context = Unmanaged.passRetained(ThreadBody(body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
        var thread: pthread_t?
        let code = pthread_create(&thread, &attributes, { Self.runThread($0) }, context.toOpaque())
        #else
        var thread = pthread_t()
        let code = pthread_create(&thread, &attributes, { $0.flatMap(Self.runThread) }, context.toOpaque())
        #endif
        if code != 0 { context.release() }
        return code == 0
    }

    private static func runThread(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }

    // MARK: - Waking a thread that polls

    /// Returns two descriptors, one to read and one to write, which may be the same; `nil` if the process has none left.
    static func makeWakeup() -> (read: Int32, write: Int32)? {
        #if os(Linux) || os(Android)
        let descriptor = ckv_make_event_counter()
        return descriptor < 0 ? nil : (descriptor, descriptor)
        #else
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { self.prepare(end) }
        return (ends[0], ends[1])
        #endif
    }

    static func wake(_ descriptor: Int32) {
        // An event counter takes eight bytes at once; a pipe that is full wakes its reader as well.
        var one: UInt64 = 1
        _ = systemWrite(descriptor, &one, 8)
    }

    static func consumeWakeups(_ descriptor: Int32) {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { buffer in
            _ = systemRead(descriptor, buffer.baseAddress, buffer.count)
        }
    }

    /// Waits for so many milliseconds (-1: forever) until the thread is woken, or the socket is ready or broken.
    static func wait(
        wakeup: Int32,
        socket: Interest?,
        milliseconds: Int32
    ) -> (isWoken: Bool, isReady: Bool) {
        withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { descriptors in
            descriptors.initializeElement(at: 0, to: pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0))
            let events = (socket?.reads == true ? POLLIN : 0) | (socket?.writes == true ? POLLOUT : 0)
            // A negative descriptor is passed over.
            let other = pollfd(fd: socket?.descriptor ?? -1, events: Int16(events), revents: 0)
            descriptors.initializeElement(at: 1, to: other)
            guard systemPoll(descriptors.baseAddress, 2, milliseconds) > 0 else { return (false, false) }
            return (descriptors[0].revents != 0, descriptors[1].revents != 0)
        }
    }

    /// Whether the socket can be written to now, or is broken.
    static func isWritable(_ descriptor: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return systemPoll(&poll, 1, 0) > 0
    }

    // MARK: - Files

    /// What changes with a file's content.
    struct FileStamp: Sendable, Hashable {
        var numbers: [Int]
    }

    /// Returns `nil` if there is no such file.
    static func stamp(ofFile path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        return FileStamp(numbers: [
            Int(truncatingIfNeeded: status.st_ino), Int(status.st_size), Int(time.tv_sec), Int(time.tv_nsec),
        ])
    }

    /// The system's words for an error number.
    static func message(of number: Int32) -> String {
        String(cString: strerror(number))
    }
}

// Inside of RedisPlatform the names below are those of its own functions.

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemPoll(_ descriptors: UnsafeMutablePointer<pollfd>?, _ count: Int, _ milliseconds: Int32) -> Int32 {
    poll(descriptors, nfds_t(count), milliseconds)
}
