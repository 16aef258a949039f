#if HummingbirdSupport
import Logging
import Synchronization

/// What a logger was given, at level `info` and above as by default.
final class CapturedLog: Sendable {
    private struct Line: Sendable {
        let level: Logger.Level
        let text: String
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            self.log.lines.withLock { $0.append(Line(level: event.level, text: "\(event.message) \(fields)")) }
        }
    }

    private let lines = Mutex<[Line]>([])

    /// A logger that writes here.
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    /// What was logged as a warning.
    var warnings: [String] { self.lines.withLock { $0.filter { $0.level == .warning }.map(\.text) } }

    /// What was logged as an error.
    var errors: [String] { self.lines.withLock { $0.filter { $0.level >= .error }.map(\.text) } }
}
#endif
