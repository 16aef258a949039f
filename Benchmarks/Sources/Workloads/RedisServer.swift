import Dispatch
import Foundation

/// A `redis-server` for what is measured, on a free port, which keeps nothing on disk.
package final class RedisServer: @unchecked Sendable {
    // Safe to share: started before anybody else knows of it, then only asked for its number.
    private let process: Process
    private let end: DispatchSemaphore
    package let port: Int

    package init() throws {
        for _ in 0..<5 {
            let port = Int.random(in: 20_000..<30_000)
            let end = DispatchSemaphore(value: 0)
            if let process = try Self.start(port, end) {
                self.process = process
                self.end = end
                self.port = port
                return
            }
        }
        throw RedisServerError()
    }

    /// Returns the server's process once it takes connections, or `nil` if it ended, as it does where the port is taken.
    private static func start(_ port: Int, _ end: DispatchSemaphore) throws -> Process? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", ""]
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        process.terminationHandler = { _ in end.signal() }
        try process.run()
        var text = Data()
        while text.range(of: Data("Ready to accept connections".utf8)) == nil {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { return nil }
            text.append(more)
        }
        return process
    }

    package func stop() {
        // It was started by a thread that holds back signals, as threads of Swift's pool do, and does so itself now: this
        // one can't be held back. It has nothing to save.
        kill(self.process.processIdentifier, SIGKILL)
        // `waitUntilExit()` turns a run loop, and on Linux shares state with another thread without a lock.
        self.end.wait()
    }
}

/// There is no server to measure.
struct RedisServerError: Error, CustomStringConvertible {
    let description = "redis-server does not start; is it installed?"
}
