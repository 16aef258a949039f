/// Keys as an application has them, `user:000123:profile`, with a value for each.
package struct Sample: Sendable {
    /// The keys in a shuffled order, the same in each process.
    package let keys: [String]
    /// As many values as keys, all different.
    package let values: [[UInt8]]

    package init(count: Int = 100_000, valueSize: Int) {
        var generator = SplitMix64(state: 42)
        self.keys = (0..<count).shuffled(using: &generator).map(Self.key)
        self.values = (0..<count).map { _ in
            (0..<valueSize).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }
    }

    /// The value that the n-th key has after the given pass: each pass gives it another one.
    package func value(_ index: Int, pass: Int) -> [UInt8] {
        self.values[(index + pass) % self.values.count]
    }

    /// Which key an operation uses: passes that use a part of the keys go on where the one before ended.
    package func position(_ operation: Int, pass: Int, of operations: Int) -> Int {
        (operation + pass * operations) % self.keys.count
    }

    /// The keys beside the values of pass 0, in the order of the keys; none shares memory with the sample.
    ///
    /// A store filled from it finds its keys by their bytes and not by the identity of the strings.
    package func copies() -> [(key: String, value: [UInt8])] {
        self.keys.indices.map { index in
            (String(decoding: Array(self.keys[index].utf8), as: UTF8.self), self.values[index].map { $0 })
        }
        .sorted { $0.key < $1.key }
    }

    private static func key(_ number: Int) -> String {
        let digits = String(number)
        return "user:\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits):profile"
    }
}

/// Sebastiano Vigna's splitmix64: a short generator that gives the same numbers for the same seed.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
