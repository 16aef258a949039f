import ArgumentParser
import Foundation
import Workloads

/// Measures each row of the table and says which goals are met.
@main
struct RatioBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "RatioBenchmarks",
        abstract: "Compares KVStorage with C libraries and plain dictionaries, in one process, in turn.",
        discussion: """
            Times are nanoseconds for one operation, medians over the rounds; the ratio is the median of the rounds' \
            ratios. With several tasks the time is the whole run's, divided by the operations of all tasks.
            """
    )

    @Option(help: "Run only the rows whose name contains this, as in \"sqlite\" or \"memory get\".")
    var filter = ""

    @Option(help: "How often subject and baseline take turns; at least 7.")
    var rounds = 11

    @Option(help: "The file that the measurements are written to, as JSON.")
    var output = Scratch.results.appending(path: "ratios.json").path

    @Flag(help: "Exit with 1 if a goal is missed.")
    var strict = false

    func validate() throws {
        guard self.rounds >= 7 else { throw ValidationError("Medians of fewer than 7 rounds say too little.") }
    }

    func run() async throws {
        let rows = Row.all.filter { self.filter.isEmpty || $0.name.contains(self.filter) }
        guard !rows.isEmpty else { throw ValidationError("No row's name contains \"\(self.filter)\".") }
        let table = Table(names: rows.map(\.name))
        Self.say(table.header)
        var measurements: [Measurement] = []
        for row in rows {
            let measurement = try await Measurement(row, rounds: self.rounds)
            measurements.append(measurement)
            Self.say(table.line(measurement))
        }
        try self.write(measurements)
        let missed = measurements.filter { !$0.met }.count
        Self.say("\(measurements.count - missed) of \(measurements.count) goals met; written to \(self.output)")
        if self.strict, missed > 0 { throw ExitCode.failure }
    }

    private func write(_ measurements: [Measurement]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let file = URL(filePath: self.output)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try encoder.encode(measurements).write(to: file, options: .atomic)
    }

    /// Prints a line at once, into a file or a pipe too, where `print` would wait for its buffer to fill.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
