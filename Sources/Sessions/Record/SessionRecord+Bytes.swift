import KVStorage

extension SessionRecord {
    /// What every record begins with: the format and its version.
    static let magic: StaticString = "session/2 "
    private static let firstMagic: StaticString = "session/1 "

    /// The stored form.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160 + self.data.count + self.fields.count * 64)
        (self.isFirstFormat ? Self.firstMagic : Self.magic).withUTF8Buffer { bytes.append(contentsOf: $0) }
        Self.append(Int64(self.dataVersion), to: &bytes, endingWith: " ")
        Self.append(self.created.milliseconds, to: &bytes, endingWith: " ")
        Self.append(self.seen.milliseconds, to: &bytes, endingWith: " ")
        Self.append(self.limits.idle ?? 0, to: &bytes, endingWith: " ")
        Self.append(self.limits.absolute, to: &bytes, endingWith: "\n")
        if let secret = self.secret { Self.append("secret", secret, to: &bytes) }
        if let user = self.user { Self.append("user", Self.escape(user), to: &bytes) }
        for field in self.fields { Self.append(field.name, field.value, to: &bytes) }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: self.data)
        return bytes
    }

    /// Reads the stored form; `nil` for what is none: another format, a newer version, cut off or damaged (R30).
    package init?(_ bytes: [UInt8]) {
        let parsed = bytes.withUnsafeBytes { bytes -> SessionRecord? in
            var reader = RecordReader(bytes)
            let isFirstFormat = reader.skip(Self.firstMagic)
            guard isFirstFormat || reader.skip(Self.magic), let dataVersion = reader.number(endingWith: " "),
                let created = reader.number(endingWith: " "), let seen = reader.number(endingWith: " "),
                let idle = reader.number(endingWith: " "), let absolute = reader.number(endingWith: "\n"),
                idle >= 0, absolute > 0
            else { return nil }
            var secret: String?
            var user: String?
            var fields: [Field] = []
            while !reader.skip("\n") {
                guard let field = reader.field() else { return nil }
                switch field.name {
                case "user":
                    guard let name = Self.unescape(field.value) else { return nil }
                    user = name
                case "secret": secret = field.value
                default: fields.append(field)
                }
            }
            var record = SessionRecord(
                dataVersion: Int(dataVersion),
                limits: SessionLimits(absolute: absolute, idle: idle == 0 ? nil : idle),
                now: Timestamp(milliseconds: created),
                user: user,
                data: reader.rest
            )
            record.seen = Timestamp(milliseconds: seen)
            record.secret = secret
            record.fields = fields
            record.isFirstFormat = isFirstFormat
            return record
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Keeps line breaks out of a line; everything else stays readable.
    static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "%") }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x25:
                escaped += scalar.value < 16 ? "%0" : "%"
                escaped += String(scalar.value, radix: 16, uppercase: true)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static func unescape(_ text: String) -> String? {
        text.utf8.contains(UInt8(ascii: "%")) ? PercentEncoding.decode(text) : text
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func append(_ number: Int64, to bytes: inout [UInt8], endingWith end: Unicode.Scalar) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        self.append(digitsOf: number.magnitude, to: &bytes)
        bytes.append(UInt8(ascii: end))
    }

    /// Goes at most 20 calls deep, the digits of the largest number.
    private static func append(digitsOf number: UInt64, to bytes: inout [UInt8]) {
        if number >= 10 { self.append(digitsOf: number / 10, to: &bytes) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
