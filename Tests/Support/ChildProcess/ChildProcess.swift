import Dispatch
import Foundation
import Synchronization

/// A program that runs beside the tests; it is ended, and waited for, with the last reference to it.
///
/// Instead of Foundation's `Process`, which on Linux hands the program the signals that the starting thread holds back,
/// and whose `waitUntilExit()` turns a run loop and shares state with another thread without a lock.
package final class ChildProcess: Sendable {
    /// Where the program reads from or writes to.
    package enum Stream: Sendable {
        /// Where the tests do.
        case inherited
        /// Nowhere: `/dev/null`.
        case none
        /// A pipe whose other end the tests hold.
        case pipe
        /// A file that is there or can be made.
        case file(String)
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let identifier: Int32
    /// The tests' end of the program's input, until it is closed.
    private let input: Mutex<Int32?>
    private let output: Int32?
    /// How the program ended, once that was asked of the system: after that its number may be another program's.
    private let ending = Mutex<Int32?>(nil)
    // One queue, so that what is read stays in order; blocking calls don't belong on the cooperative pool.
    private let queue = DispatchQueue(label: "ChildProcess")
    private let unread = Mutex<[UInt8]>([])

    /// Starts the program at a path, with nobody's signals held back and none of the files that the tests have open.
    package init(
        _ path: String,
        _ arguments: [String] = [],
        input: Stream = .none,
        output: Stream = .pipe,
        error: Stream = .inherited
    ) throws {
        var spawning = try Spawning()
        let inputEnd = try spawning.connect(0, to: input)
        let outputEnd = try spawning.connect(1, to: output)
        _ = try spawning.connect(2, to: error)
        self.identifier = try spawning.start(path, arguments)
        self.input = Mutex(inputEnd)
        self.output = outputEnd
    }

    deinit {
        self.kill()
        _ = self.wait()
        if let output { close(output) }
        self.closeInput()
    }

    /// Ends the program in the middle of whatever it does.
    package func kill() {
        self.signal(SIGKILL)
    }

    /// Sends a signal, unless the program is known to have ended.
    package func signal(_ number: Int32) {
        self.ending.withLock { ending in
            if ending == nil { _ = Foundation.kill(self.identifier, number) }
        }
    }

    /// Blocks until the program has ended, and returns its exit status or the number of the signal that ended it.
    package func wait() -> Int32 {
        if let status = self.ending.withLock({ $0 }) { return status }
        // Leaves the number taken, so that a signal sent meanwhile can't reach another program.
        var information = siginfo_t()
        while waitid(P_PID, id_t(self.identifier), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return self.ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            while waitpid(self.identifier, &status, 0) < 0, errno == EINTR {}
            // As WIFEXITED, WEXITSTATUS and WTERMSIG have it.
            let code = status & 0x7f == 0 ? (status >> 8) & 0xff : status & 0x7f
            ending = code
            return code
        }
    }

    /// Waits until the program has ended, and returns its exit status or the number of the signal that ended it.
    package func status() async -> Int32 {
        await self.onQueue { self.wait() }
    }

    /// Tells the program that nothing more comes.
    package func closeInput() {
        self.input.withLock { input in
            if let descriptor = input { close(descriptor) }
            input = nil
        }
    }

    /// Blocks until the program has written something, and returns it: nothing at the end of its output.
    package func read() -> [UInt8] {
        guard let output else { return [] }
        return [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
            var code = -1
            repeat { code = Foundation.read(output, buffer.baseAddress, buffer.count) } while code < 0 && errno == EINTR
            count = max(0, code)
        }
    }

    /// Returns the next line, or `nil` at the end of the output.
    package func line() async -> String? {
        await self.onQueue {
            while true {
                if let line = self.unread.withLock({ $0.takeLine() }) { return line }
                let more = self.read()
                guard !more.isEmpty else { return nil }
                self.unread.withLock { $0 += more }
            }
        }
    }

    /// Returns the lines up to the end of the output; what follows the last line feed was not written to its end.
    package func lines() async -> [String] {
        var lines: [String] = []
        while let line = await self.line() { lines.append(line) }
        return lines
    }

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            self.queue.async { continuation.resume(returning: body()) }
        }
    }
}

extension [UInt8] {
    /// Takes the first line out, if it is complete.
    fileprivate mutating func takeLine() -> String? {
        guard let end = self.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { self.removeFirst(end + 1) }
        return String(decoding: self[..<end], as: UTF8.self)
    }
}
