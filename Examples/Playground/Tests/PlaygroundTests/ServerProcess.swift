import Foundation
import Synchronization

/// A program that runs beside the test until it is stopped, and what it writes.
final class ServerProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    fileprivate struct State {
        var output = ""
        var isAtEnd = false
        var waiting: (text: String, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())
    private let process = Process()
    private let exits: AsyncStream<Int32>

    /// Starts the program, found on the PATH unless it is a path itself.
    init(_ program: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
        let (exits, exit) = AsyncStream.makeStream(of: Int32.self)
        self.exits = exits
        self.process.executableURL = URL(filePath: "/usr/bin/env")
        self.process.arguments = [program] + arguments
        self.process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        self.process.standardOutput = pipe
        self.process.standardError = FileHandle.nullDevice
        self.process.terminationHandler = { process in
            exit.yield(process.terminationStatus)
            exit.finish()
        }
        pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.received(String(decoding: data, as: UTF8.self))
        }
        try self.process.run()
    }

    deinit {
        if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
    }

    /// Waits until the program has written the text, and returns the word that follows it.
    func word(after text: String) async throws -> String {
        await withCheckedContinuation { continuation in
            let isThere = self.state.withLock { state in
                if state.hasWord(after: text) { return true }
                state.waiting = (text, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
        let output = self.state.withLock { $0.output }
        guard let start = output.range(of: text)?.upperBound else {
            throw Failure(description: "the program ended without saying \"\(text)\": \(output)")
        }
        return String(output[start...].prefix { !$0.isWhitespace })
    }

    /// Asks the program to end (SIGTERM) and returns its exit status when it has.
    func stop() async -> Int32? {
        self.process.terminate()
        return await self.exitStatus()
    }

    /// Waits for the program to end and returns its status.
    func exitStatus() async -> Int32? {
        await self.exits.first { _ in true }
    }

    private func received(_ text: String) {
        let continuation = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.output += text
            state.isAtEnd = text.isEmpty
            guard let waiting = state.waiting, state.hasWord(after: waiting.text) else { return nil }
            state.waiting = nil
            return waiting.continuation
        }
        continuation?.resume()
    }
}

extension ServerProcess.State {
    /// Whether the text and a whole word after it are there, or will never be.
    fileprivate func hasWord(after text: String) -> Bool {
        if self.isAtEnd { return true }
        guard let start = self.output.range(of: text)?.upperBound else { return false }
        return self.output[start...].contains(where: \.isWhitespace)
    }
}
