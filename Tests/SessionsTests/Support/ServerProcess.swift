import ChildProcess
import Foundation
import KVStorage

/// The executable `SessionProcess`, a server of its own beside the tests.
final class ServerProcess: Sendable {
    private let process: ChildProcess
    // A pipe would fill, and the server wait for somebody to read.
    private let output: URL

    /// Starts it with the client's cookies.
    init(_ command: String, _ world: World, _ browser: Browser, count: Int = 1) throws {
        self.output = world.file.deletingLastPathComponent().appending(path: "output-\(UUID().uuidString)")
        let cookie = browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        self.process = try ChildProcess(
            ChildProcess.path(ofProduct: "SessionProcess"),
            [command, world.file.path(), World.secret, cookie, String(count)],
            output: .file(self.output.path())
        )
    }

    /// Ends the process in the middle of whatever it does.
    func kill() {
        self.process.kill()
    }

    /// Waits for the end and returns the lines that were printed.
    func lines() async throws -> [String] {
        _ = await self.process.status()
        return try String(contentsOf: self.output, encoding: .utf8).split(separator: "\n").map(String.init)
    }
}
