/// Where a listing of a storage stands, as text that can be given away: the mount, and the driver's own cursor in it.
///
/// Whoever brings one back may have made it up: it is looked at like any other argument, and what it says is never trusted
/// further than that the listing goes on from there, below its base.
struct PageCursor {
    private static let version: UInt8 = 1

    /// The mount's base, without what the handle leaves out.
    let mountBase: String
    /// The driver's cursor; `nil` for the mount's beginning.
    let cursor: String?

    init(mountBase: String, cursor: String?) {
        self.mountBase = mountBase
        self.cursor = cursor
    }

    /// - Throws: ``StorageError/Code/invalidOption`` if the text is none that ``text`` wrote.
    init(_ text: String) throws(StorageError) {
        let standard = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        guard let bytes = Base64.decode(unpadded: standard), bytes.first == Self.version else { throw Self.invalid }
        let rest = Array(bytes.dropFirst())
        // No key and no base holds NUL.
        guard let end = rest.firstIndex(of: 0), end + 1 < rest.count,
            let mountBase = String(validating: rest[..<end], as: UTF8.self),
            let cursor = String(validating: rest[(end + 2)...], as: UTF8.self)
        else { throw Self.invalid }
        self.mountBase = mountBase
        self.cursor = rest[end + 1] == 0 ? nil : cursor
    }

    /// The cursor as letters, digits, `-` and `_` (RFC 4648, section 5).
    var text: String {
        var bytes = [Self.version] + Array(self.mountBase.utf8) + [0, self.cursor == nil ? 0 : 1]
        bytes += Array((self.cursor ?? "").utf8)
        let standard = Base64.encode(bytes).filter { $0 != UInt8(ascii: "=") }
        return String(
            decoding: standard.map { byte in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: byte
                }
            }, as: UTF8.self)
    }

    static var invalid: StorageError {
        StorageError(
            .invalidOption, "the cursor is none of this listing, or its mount has gone; begin the listing anew")
    }
}
