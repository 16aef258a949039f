import Foundation
import KVStorage
import Synchronization

/// The executable `SessionProcess`, a server of its own beside the tests.
final class ServerProcess: Sendable {
    struct NotFound: Error {}

    private let process = Process()
    private let output: URL
    private let ending = Mutex(Ending())

    private struct Ending {
        var status: Int32?
        var waiting: CheckedContinuation<Int32, Never>?
    }

    /// Starts it with the client's cookies.
    init(_ command: String, _ world: World, _ browser: Browser, count: Int = 1) throws {
        self.output = world.file.deletingLastPathComponent().appending(path: "output-\(UUID().uuidString)")
        guard FileManager.default.createFile(atPath: self.output.path(), contents: nil) else { throw NotFound() }
        let cookie = browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        self.process.executableURL = try Self.executable()
        self.process.arguments = [command, world.file.path(), World.secret, cookie, String(count)]
        self.process.standardOutput = try FileHandle(forWritingTo: self.output)
        self.process.terminationHandler = { [weak self] process in self?.end(process.terminationStatus) }
        try self.process.run()
    }

    /// Ends the process in the middle of whatever it does.
    func kill() {
        Foundation.kill(self.process.processIdentifier, SIGKILL)
    }

    /// Waits for the end and returns the lines that were printed.
    func lines() async throws -> [String] {
        _ = await withCheckedContinuation { continuation in
            let status = self.ending.withLock { ending in
                if ending.status == nil { ending.waiting = continuation }
                return ending.status
            }
            if let status { continuation.resume(returning: status) }
        }
        return try String(contentsOf: self.output, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func end(_ status: Int32) {
        self.ending.withLock { ending in
            ending.status = status
            defer { ending.waiting = nil }
            return ending.waiting
        }?.resume(returning: status)
    }

    /// Looks beside the test bundle, where SwiftPM puts the executables.
    private static func executable() throws -> URL {
        let places = ([Bundle.main] + Bundle.allBundles).flatMap { bundle in
            [bundle.bundleURL, bundle.bundleURL.deletingLastPathComponent()]
        }
        for place in places {
            let candidate = place.appending(path: "SessionProcess")
            if FileManager.default.isExecutableFile(atPath: candidate.path()) { return candidate }
        }
        throw NotFound()
    }
}
