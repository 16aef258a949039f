import Foundation
import Fuzzing
import Testing

/// A small part of what `make fuzz` puts in, the same in every run. `SESSIONS_FUZZ_COUNT` sets how much.
@Suite("Fuzzing")
struct FuzzTests {
    private static let count = ProcessInfo.processInfo.environment["SESSIONS_FUZZ_COUNT"].flatMap { Int($0) } ?? 50_000

    @Test(
        "R30 R39 A17 any bytes from outside are read without a trap, and what is accepted was issued",
        arguments: FuzzTarget.all)
    func inputs(target: FuzzTarget) async throws {
        let count = max(Self.count * target.share / 100, 100)
        let accepted = try await target.run(seed: 1, count: count)
        // Inputs that all fail alike would test little.
        #expect(accepted > 0)
        #expect(accepted < count)
    }

    @Test("the targets' shares make a hundred")
    func shares() {
        #expect(FuzzTarget.all.map(\.share).reduce(0, +) == 100)
    }
}
