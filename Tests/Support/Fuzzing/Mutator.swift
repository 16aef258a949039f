import KVStorageTesting

/// Makes inputs that are nearly right: a valid one with up to six changes, one time in sixteen bytes at random.
struct Mutator: Sendable {
    /// Inputs that are valid.
    let seeds: [[UInt8]]
    /// What means something in the format.
    let pieces: [[UInt8]]
    let maximumCount: Int

    init(seeds: [String], pieces: [String], maximumCount: Int = 4096) {
        self.init(seeds: seeds.map { Array($0.utf8) }, pieces: pieces, maximumCount: maximumCount)
    }

    init(seeds: [[UInt8]], pieces: [String], maximumCount: Int = 4096) {
        self.seeds = seeds
        self.pieces = pieces.map { Array($0.utf8) }
        self.maximumCount = maximumCount
    }

    func input(_ generator: inout SeededGenerator) -> [UInt8] {
        guard Int.random(in: 0..<16, using: &generator) > 0 else {
            let count = Int.random(in: 0...200, using: &generator)
            return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }
        var bytes = self.seeds.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 0...6, using: &generator) { self.change(&bytes, &generator) }
        if bytes.count > self.maximumCount { bytes.removeSubrange(self.maximumCount...) }
        return bytes
    }

    private func change(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let at = Int.random(in: 0...bytes.count, using: &generator)
        let end = min(bytes.count, at + Int.random(in: 0...20, using: &generator))
        switch Int.random(in: 0..<8, using: &generator) {
        case 0 where at < bytes.count: bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
        case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2 where at < bytes.count: bytes.remove(at: at)
        case 3: bytes.insert(contentsOf: self.pieces.randomElement(using: &generator) ?? [], at: at)
        case 4: bytes.replaceSubrange(at..<end, with: self.pieces.randomElement(using: &generator) ?? [])
        case 5: bytes.removeSubrange(at..<end)
        case 6: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &generator))
        default:
            // The end of another valid input.
            let other = self.seeds.randomElement(using: &generator) ?? []
            bytes.replaceSubrange(at..., with: other.dropFirst(at))
        }
    }
}
