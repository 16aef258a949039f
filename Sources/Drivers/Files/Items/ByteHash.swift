/// FNV-1a with 64 bits: a hash that is the same in every process and version.
struct ByteHash {
    private(set) var value: UInt64

    init(seed: UInt64 = 0xCBF2_9CE4_8422_2325) {
        self.value = seed
    }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            self.value = (self.value ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            self.add(CollectionOfOne(UInt8(truncatingIfNeeded: number >> shift)))
        }
    }
}
