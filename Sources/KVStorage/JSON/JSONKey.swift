/// A member's name or an element's index in a coding path.
struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    /// What a class hands its superclass where it names no key.
    static let `super` = JSONKey(name: "super")

    init(name: String) {
        self.stringValue = name
        self.intValue = nil
    }

    init(index: Int) {
        self.stringValue = "Index \(index)"
        self.intValue = index
    }

    init(stringValue: String) { self.init(name: stringValue) }

    init(intValue: Int) { self.init(index: intValue) }
}

/// What the standard library keys the containers of dictionaries by, whose members come in the order of their hashes.
enum JSONDictionaryKey {
    /// Whether a container keyed by this type is a dictionary's, whichever type calls for it.
    @inline(__always)
    static func isKey(_ type: any CodingKey.Type) -> Bool { ObjectIdentifier(type) == Self.identifier }

    // The type is internal to the standard library: a dictionary that is encoded shows it.
    private static let identifier: ObjectIdentifier? = {
        let probe = Probe()
        try? ["": true].encode(to: probe)
        return probe.keyType
    }()

    private final class Probe: Encoder {
        var keyType: ObjectIdentifier?
        let codingPath: [any CodingKey] = []
        let userInfo: [CodingUserInfoKey: Any] = [:]
        private let writer = JSONWriter()

        func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            self.keyType = ObjectIdentifier(type)
            return KeyedEncodingContainer(JSONKeyedEncoding(encoder: self.writer.encoder.begin(.object, .asEncoded)))
        }

        func unkeyedContainer() -> any UnkeyedEncodingContainer { self.writer.encoder.unkeyedContainer() }

        func singleValueContainer() -> any SingleValueEncodingContainer { self.writer.encoder }
    }
}
