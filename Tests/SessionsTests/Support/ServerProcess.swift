import ChildProcess
import Foundation
import KVStorage

/// The executable `SessionProcess`, a server of its own beside the tests.
final class ServerProcess: Sendable {
    private let process: ChildProcess
    // A pipe would fill, and the server wait for somebody to read.
    private let output: URL

    /// Starts it with the client's cookies.
    convenience init(_ command: String, _ world: World, _ browser: Browser, count: Int = 1) throws {
        let cookie = browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        let folder = world.file.deletingLastPathComponent()
        try self.init([command, "sqlite:\(world.file.path())", World.secret, cookie, String(count)], in: folder)
    }

    /// Starts it with arguments, and a folder for what it prints.
    init(_ arguments: [String], in folder: URL) throws {
        self.output = folder.appending(path: "output-\(UUID().uuidString)")
        self.process = try ChildProcess(
            ChildProcess.path(ofProduct: "SessionProcess"), arguments, output: .file(self.output.path()))
    }

    /// How many bytes it has printed so far.
    var outputCount: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: self.output.path())
        return (attributes?[.size] as? Int) ?? 0
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
