import Foundation

/// A `redis-server` for what is measured, on a free port, which keeps nothing on disk.
package final class RedisServer: @unchecked Sendable {
    // Safe to share: started before anybody else knows of it, then only asked for its number.
    private let process: Process
    package let port: Int

    package init() throws {
        for _ in 0..<5 {
            let port = Int.random(in: 20_000..<30_000)
            if let process = try Self.start(port) {
                self.process = process
                self.port = port
                return
            }
        }
        throw RedisServerError()
    }

    /// Returns the server's process once it takes connections, or `nil` if it ended, as it does where the port is taken.
    private static func start(_ port: Int) throws -> Process? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", ""]
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
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
        self.process.waitUntilExit()
    }
}

/// There is no server to measure.
struct RedisServerError: Error, CustomStringConvertible {
    let description = "redis-server does not start; is it installed?"
}
