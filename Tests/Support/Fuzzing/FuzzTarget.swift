package import KVStorageTesting

/// Something that bytes from outside go into, and what has to hold whatever the bytes are.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    /// Makes one input, puts it in, and returns whether it was accepted; throws ``Violation`` if something does not hold.
    package typealias Body = @Sendable (_ generator: inout SeededGenerator) async throws -> Bool

    package let name: String
    /// How many of a hundred inputs are this target's.
    package let share: Int
    /// Makes valid inputs and what takes them.
    package let prepare: @Sendable () async throws -> Body

    package var description: String { self.name }

    /// All targets; their shares make a hundred.
    package static let all = [
        Self.cookies, Self.sealedCookies, Self.signatures, Self.records, Self.storedRecords, Self.bodies,
        Self.addresses, Self.adoptions, Self.bearers, Self.forms, Self.json, Self.keys,
    ]

    /// What did not hold, and for which input.
    package struct Violation: Error, CustomStringConvertible {
        package let description: String

        init(_ what: String, _ input: [UInt8]) {
            self.description = "\(what): \(String(decoding: input, as: UTF8.self)) \(input)"
        }
    }

    /// Puts in as many inputs and returns how many were accepted.
    ///
    /// The n-th input follows from `seed` + n: to see one again, start there.
    package func run(
        seed: UInt64,
        count: Int,
        progress: (Int) -> Void = { _ in }
    ) async throws -> Int {
        let body = try await self.prepare()
        var accepted = 0
        for index in 0..<count {
            progress(index)
            let inputSeed = seed &+ UInt64(index)
            var generator = SeededGenerator(seed: inputSeed)
            do {
                if try await body(&generator) { accepted += 1 }
            } catch {
                throw Failure(target: self.name, seed: inputSeed, error: error)
            }
        }
        return accepted
    }

    /// Which input failed.
    package struct Failure: Error, CustomStringConvertible {
        let target: String
        let seed: UInt64
        let error: any Error

        package var description: String {
            "\(self.target): \(self.error)\nonce more: make fuzz FUZZ_TARGET=\(self.target) FUZZ_SEED=\(self.seed) FUZZ_COUNT=1"
        }
    }
}
