/// The key in an overlay's first layer under which it keeps that the lower layers' item is hidden.
///
/// It ends in `$`, as no item's key does, and is not what a driver may use for the item's metadata.
enum Tombstone {
    private static let suffix = ":removed$"

    /// By how many bytes it is longer than the item's key.
    static let overhead = Self.suffix.utf8.count

    /// How much longer it is there than what it hides: longer than any two clocks differ, so that nothing comes back.
    static let margin = Duration.seconds(3600)

    /// Returns the tombstone of an item.
    static func of(_ key: String) -> String { key + Self.suffix }

    /// Whether a key of the first layer is no item's.
    static func isOne(_ key: String) -> Bool { key.utf8.last == UInt8(ascii: "$") }

    /// Returns the key of the item, or `nil` if the key is no tombstone's.
    static func itemKey(_ key: String) -> String? {
        guard Self.isOne(key), key.utf8.suffix(Self.overhead).elementsEqual(Self.suffix.utf8) else { return nil }
        return String(decoding: key.utf8.dropLast(Self.overhead), as: UTF8.self)
    }
}
