/// The hash slots of a cluster (Redis Cluster Specification, "Key distribution model").
enum Slot {
    static let count = 16_384

    /// Returns the slot of a name: of the part in its first pair of braces, if there is something in it, else of all of it.
    static func slot(of name: UnsafeRawBufferPointer) -> Int {
        Int(self.checksum(self.tag(in: name) ?? name) & UInt16(self.count - 1))
    }

    /// Returns the part of the name that stands for all of it (its hash tag), or `nil` if there is none.
    static func tag(in name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let open = name.firstIndex(of: UInt8(ascii: "{")) else { return nil }
        let rest = name[(open + 1)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex else { return nil }
        return UnsafeRawBufferPointer(rebasing: rest[..<close])
    }

    /// Returns a short tag whose slot is the one given.
    static func tag(for slot: Int) -> [UInt8] {
        Array(String(self.tags[slot]).utf8)
    }

    /// A number for each slot whose digits have that slot.
    private static let tags: [UInt32] = {
        var tags = [UInt32](repeating: 0, count: Self.count)
        var missing = Self.count
        var number: UInt32 = 0
        while missing > 0 {
            number += 1
            var digits = String(number)
            let slot = digits.withUTF8 { Self.slot(of: UnsafeRawBufferPointer($0)) }
            guard tags[slot] == 0 else { continue }
            tags[slot] = number
            missing -= 1
        }
        return tags
    }()

    /// CRC-16/XMODEM.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { sum, byte in
            sum << 8 ^ self.table[Int(UInt8(truncatingIfNeeded: sum >> 8) ^ byte)]
        }
    }

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { value, _ in value & 0x8000 == 0 ? value << 1 : value << 1 ^ 0x1021 }
    }
}
