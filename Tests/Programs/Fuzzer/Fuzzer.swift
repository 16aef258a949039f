import Foundation
import Fuzzing

/// What `make fuzz` runs: so many inputs, shared out among the targets.
///
///     FUZZ_COUNT=10000000 FUZZ_SEED=1 FUZZ_TARGET=cookies Fuzzer
///
/// Without a seed it takes one from the clock, and prints it. An input that breaks a promise is printed with how to see it
/// again. After a trap the last line tells how far it came: `FUZZ_SEED` plus that number, and a small count, leads there.
@main
struct Fuzzer {
    static func main() async {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["FUZZ_COUNT"].flatMap { Int($0) } ?? 10_000_000
        let seed = environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64(Date().timeIntervalSince1970)
        let name = environment["FUZZ_TARGET"] ?? ""
        let targets = FuzzTarget.all.filter { name.isEmpty || $0.name == name }
        guard !targets.isEmpty else {
            self.say("FUZZ_TARGET is one of: \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
            exit(2)
        }
        self.say("\(count) inputs, FUZZ_SEED=\(seed)")
        let clock = ContinuousClock()
        let start = clock.now
        for target in targets {
            let inputs = targets.count == 1 ? count : count * target.share / 100
            let step = max(inputs / 10, 1)
            let targetStart = clock.now
            do {
                let accepted = try await target.run(seed: seed, count: inputs) { index in
                    if index.isMultiple(of: step) { self.say("  \(target.name) \(index)") }
                }
                self.say("\(target.name): \(inputs) inputs, \(accepted) accepted, \(clock.now - targetStart)")
            } catch {
                self.say("\(error)")
                exit(1)
            }
        }
        self.say("nothing found in \(clock.now - start)")
    }

    /// Prints a line at once, into a file or a pipe too, where `print` would wait for its buffer to fill.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
