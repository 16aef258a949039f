import Dispatch
import Foundation
import Synchronization

/// The executable `StorageProcess`, started beside the tests.
final class HelperProcess: Sendable {
    struct NotFound: Error {}

    private let process: Process
    private let input: FileHandle
    private let output: FileHandle
    // Read on one queue only, so that lines stay in order.
    private let reading = DispatchQueue(label: "HelperProcess")
    private let pending = Mutex(Data())

    /// Starts the helper; with `unprivileged` as a user who owns nothing, where the tests run as root.
    init(_ arguments: [String], unprivileged: Bool = false) throws {
        let executable = try Self.executable()
        let input = Pipe()
        let output = Pipe()
        self.process = Process()
        if unprivileged && geteuid() == 0 {
            self.process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            self.process.arguments =
                ["--reuid=65534", "--regid=65534", "--clear-groups", executable.path] + arguments
        } else {
            self.process.executableURL = executable
            self.process.arguments = arguments
        }
        self.process.standardInput = input
        self.process.standardOutput = output
        self.input = input.fileHandleForWriting
        self.output = output.fileHandleForReading
        try self.process.run()
    }

    /// Returns the next line, or `nil` at the end of the output.
    func line() async -> String? {
        await self.onQueue {
            while true {
                let line: String? = self.pending.withLock { pending in
                    guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                    let line = String(decoding: pending[..<end], as: UTF8.self)
                    pending = Data(pending[(end + 1)...])
                    return line
                }
                if let line { return line }
                let more = self.output.availableData
                guard !more.isEmpty else { return nil }
                self.pending.withLock { $0.append(more) }
            }
        }
    }

    /// Returns all complete lines up to the end of the output.
    func lines() async -> [String] {
        await self.onQueue {
            let rest = self.output.readDataToEndOfFile()
            let all = self.pending.withLock { pending in
                pending.append(rest)
                defer { pending = Data() }
                return pending
            }
            var lines = all.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            // What follows the last line feed was not written to its end.
            _ = lines.popLast()
            return lines.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Ends the process in the middle of whatever it does.
    func kill() {
        Foundation.kill(self.process.processIdentifier, SIGKILL)
    }

    func closeInput() throws {
        try self.input.close()
    }

    /// Waits for the end and returns the status.
    func status() async -> Int32 {
        await self.onQueue {
            self.process.waitUntilExit()
            return self.process.terminationStatus
        }
    }

    // Blocking calls don't belong on the cooperative pool.
    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            self.reading.async { continuation.resume(returning: body()) }
        }
    }

    /// Looks beside the test bundle, where SwiftPM puts the executables.
    private static func executable() throws -> URL {
        let bundles = [Bundle.main] + Bundle.allBundles
        let places = bundles.flatMap { bundle in
            [bundle.bundleURL, bundle.bundleURL.deletingLastPathComponent()]
        }
        for place in places {
            let candidate = place.appendingPathComponent("StorageProcess")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
        }
        throw NotFound()
    }
}
