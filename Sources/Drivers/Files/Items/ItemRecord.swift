import KVStorage

/// How an item's lifetime and custom metadata stand in its file: in a footer after the value, or not at all.
///
/// A plain item is its bytes and nothing else. One that has a deadline or custom fields ends in
///
///     <value> [ "\n" <fields> ] "\n%KV1 " <deadline> " " <fields' length> " " <checksum> "\n"
///
/// with hexadecimal numbers of 16, 8 and 16 digits, dashes for none. Chosen over
/// - a file beside it: value and metadata would change in two steps, and a reader would have to look for it;
/// - extended attributes: many file systems have none or few bytes of them, copies and archives lose them, and reading them
///   costs a call for every plain item;
/// - another name for the file: an item would move between two names, and no order of looking at both is safe.
///
/// A footer is part of the file that one rename puts in place, survives copying, and is found in what was read anyway.
/// `cat` shows the value first. A value that happens to end like a footer is given one, so every value is read as it was set.
struct ItemRecord: Equatable {
    var valueCount: Int
    var deadline: Timestamp?
    var fields: [UInt8]?

    /// The length of a footer without the fields.
    static let footerCount = 49
    private static let mark = Array("\n%KV".utf8)
    private static let version = UInt8(ascii: "1")

    func isExpired(_ now: @autoclosure () -> Timestamp) -> Bool {
        guard let deadline = self.deadline else { return false }
        return deadline <= now()
    }

    /// Returns what is written to the file.
    static func encode(_ value: [UInt8], deadline: Timestamp?, fields: [UInt8]?) -> [UInt8] {
        if deadline == nil, fields == nil, !self.endsInFooter(value) { return value }
        var bytes = value
        bytes.reserveCapacity(value.count + (fields?.count ?? 0) + 1 + Self.footerCount)
        if let fields {
            bytes.append(UInt8(ascii: "\n"))
            bytes += fields
        }
        let checksum = self.checksum(value.count, deadline, fields)
        bytes += self.mark + [self.version, UInt8(ascii: " ")]
        bytes += self.digits(deadline.map { UInt64(bitPattern: $0.milliseconds) }, 16) + [UInt8(ascii: " ")]
        bytes += self.digits(fields.map { UInt64($0.count) }, 8) + [UInt8(ascii: " ")]
        bytes += self.digits(checksum, 16) + [UInt8(ascii: "\n")]
        return bytes
    }

    /// Returns whether the bytes, a file's last ones, end in what has to be a footer.
    static func endsInFooter(_ bytes: [UInt8]) -> Bool {
        let start = bytes.count - self.footerCount
        return start >= 0 && bytes[start] == self.mark[0] && bytes[bytes.count - 1] == UInt8(ascii: "\n")
            && bytes[start...].starts(with: self.mark)
    }

    /// A footer as it stands, not yet compared with what is before it.
    struct Footer {
        var deadline: Timestamp?
        var fieldsCount: Int?
        var checksum: UInt64

        /// The bytes that fields and footer take at the end of the file.
        var count: Int { ItemRecord.footerCount + (self.fieldsCount.map { $0 + 1 } ?? 0) }
    }

    /// Reads the footer at the end of a file of `size` bytes, of which these are the last; `nil` if it has none.
    static func footer(of bytes: [UInt8], size: Int) throws(StorageError) -> Footer? {
        guard self.endsInFooter(bytes) else { return nil }
        let text = bytes.suffix(self.footerCount).dropFirst(self.mark.count)
        guard text.first == self.version else {
            throw StorageError(
                .incompatibleFormat, "the file's footer is of a newer version; use that version to read it")
        }
        let parts = text.dropLast().split(separator: UInt8(ascii: " "))
        guard parts.map(\.count) == [1, 16, 8, 16],
            let deadline = self.number(parts[1]), let count = self.number(parts[2]),
            let checksum = self.number(parts[3]),
            let checksum
        else { throw self.damaged }
        let footer = Footer(
            deadline: deadline.map { Timestamp(milliseconds: Int64(bitPattern: $0)) },
            fieldsCount: count.map { Int($0) },
            checksum: checksum
        )
        guard footer.count <= size else { throw self.damaged }
        return footer
    }

    /// Makes the record of a file from its footer and the bytes of the fields.
    init(_ footer: Footer, size: Int, fields: [UInt8]?) throws(StorageError) {
        self.valueCount = size - footer.count
        self.deadline = footer.deadline
        self.fields = fields
        guard Self.checksum(self.valueCount, self.deadline, fields) == footer.checksum else { throw Self.damaged }
    }

    /// Makes the record of a plain file.
    init(plain size: Int) {
        self.valueCount = size
    }

    private static var damaged: StorageError {
        StorageError(.corrupted, "the footer with the item's lifetime and metadata is damaged; set the item anew")
    }

    private static func digits(_ number: UInt64?, _ count: Int) -> [UInt8] {
        guard let number else { return Array(repeating: UInt8(ascii: "-"), count: count) }
        let digits = Array("0123456789abcdef".utf8)
        return (0..<count).reversed().map { digits[Int(number >> (UInt64($0) * 4) & 15)] }
    }

    /// Reads a number; `.some(nil)` for none, `nil` for what is no number.
    private static func number(_ text: ArraySlice<UInt8>) -> UInt64?? {
        if text.allSatisfy({ $0 == UInt8(ascii: "-") }) { return .some(nil) }
        guard let number = UInt64(String(decoding: text, as: UTF8.self), radix: 16) else { return nil }
        return .some(number)
    }

    /// FNV-1a, so that a file that was cut, joined or changed by hand does not pass for one with a footer.
    private static func checksum(_ valueCount: Int, _ deadline: Timestamp?, _ fields: [UInt8]?) -> UInt64 {
        var hash = ByteHash()
        hash.add(UInt64(valueCount))
        hash.add(deadline.map { UInt64(bitPattern: $0.milliseconds) } ?? 0)
        hash.add(deadline == nil ? 0 : 1)
        hash.add(fields == nil ? 0 : 1)
        hash.add(fields ?? [])
        return hash.value
    }
}
