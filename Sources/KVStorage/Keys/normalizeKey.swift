/// Returns the key in its normal form, as unstorage does: cut at the first `?`, every `/` and `\` a `:`, runs of `:` one,
/// none at the ends.
///
/// Nothing else is changed: no case folding, no percent-decoding, no Unicode normalisation, no meaning for `.` and `..`.
/// A key that is normal already is returned as it is, without an allocation.
public func normalizeKey(_ key: String) -> String {
    if isNormalKey(key) { return key }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(key.utf8.count)
    for byte in key.utf8 {
        switch byte {
        case UInt8(ascii: "?"):
            return trimmed(&bytes)
        case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: ":"):
            if let last = bytes.last, last != UInt8(ascii: ":") { bytes.append(UInt8(ascii: ":")) }
        default:
            bytes.append(byte)
        }
    }
    return trimmed(&bytes)
}

/// Returns the key in its normal form with a colon at the end, as a base for listing; empty stays empty.
public func normalizeBaseKey(_ base: String) -> String {
    let key = normalizeKey(base)
    return key.isEmpty ? "" : key + ":"
}

/// Returns the keys joined by colons and normalised as one, as unstorage does.
///
/// The cut at `?` is made in the joined key: whatever follows the first one is lost, later keys included.
public func joinKeys(_ keys: String...) -> String {
    normalizeKey(keys.joined(separator: ":"))
}

/// Returns whether normalising would change nothing: one pass, no allocation.
func isNormalKey(_ key: String) -> Bool {
    withKeyBytes(key) { isNormal($0, refusingNUL: false) }
}

/// Returns whether normalising would change nothing and the key may name an item, in the same one pass.
@inline(__always)
func isNormalItemKey(_ key: String) -> Bool {
    withKeyBytes(key) { bytes in
        guard let last = bytes.last, last != UInt8(ascii: "$") else { return false }
        return isNormal(bytes, refusingNUL: true)
    }
}

@inline(__always)
private func isNormal(_ bytes: UnsafeRawBufferPointer, refusingNUL: Bool) -> Bool {
    // True where a colon may not follow: at the start and after a colon.
    var afterColon = true
    for byte in bytes {
        switch byte {
        case UInt8(ascii: ":"):
            if afterColon { return false }
            afterColon = true
        case UInt8(ascii: "?"), UInt8(ascii: "/"), UInt8(ascii: "\\"):
            return false
        case 0:
            if refusingNUL { return false }
            afterColon = false
        default:
            afterColon = false
        }
    }
    return bytes.isEmpty || !afterColon
}

private func trimmed(_ bytes: inout [UInt8]) -> String {
    if bytes.last == UInt8(ascii: ":") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
}
