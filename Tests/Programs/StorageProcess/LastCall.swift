import Dispatch
import KVStorage
import ProcessOutput
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A store that is opened and read while the process exits.
enum LastCall {
    private static let name = Mutex("")

    /// Has the call made after all that is registered later for the exit, such as what a C library tidies up: the system
    /// goes through it from the end (`atexit(3)`).
    static func prepare(_ store: String) {
        self.name.withLock { $0 = store }
        atexit {
            let done = DispatchSemaphore(value: 0)
            Task.detached {
                Output.line(await LastCall.read())
                done.signal()
            }
            done.wait()
        }
    }

    private static func read() async -> String {
        do {
            let store = try Store(self.name.withLock { $0 }).open()
            let value = try await store.getItem("left")
            try await store.dispose()
            return value.map { String(decoding: $0, as: UTF8.self) } ?? "none"
        } catch {
            return "error \(error)"
        }
    }
}
