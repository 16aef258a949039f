import KVStorage

/// The members of a JSON object, each value as it was written: what is not changed comes through bit by bit, also numbers
/// that no type of ours holds.
struct JSONMembers: Sendable {
    private(set) var members: [(name: String, value: ArraySlice<UInt8>)] = []

    /// Takes a JSON text apart; `nil` if it is no object, no JSON, or names a member twice.
    init?(_ json: [UInt8]) {
        // The codec vouches for the syntax, its depth included; what follows only has to find the commas.
        guard case .object(let object)? = try? JSONStorageCodec().decode(StorageValue.self, from: json) else {
            return nil
        }
        guard let brace = json.firstIndex(of: UInt8(ascii: "{")),
            var index = json[(brace + 1)...].firstIndex(where: { !Self.isBlank($0) })
        else { return nil }
        while json[index] == UInt8(ascii: "\"") {
            let nameEnd = Self.end(of: index, in: json)
            guard let name = try? JSONStorageCodec().decode(String.self, from: Array(json[index..<nameEnd])),
                let colon = json[nameEnd...].firstIndex(of: UInt8(ascii: ":")),
                let start = json[(colon + 1)...].firstIndex(where: { !Self.isBlank($0) })
            else { return nil }
            let end = Self.end(of: start, in: json)
            self.members.append((name, json[start..<end]))
            guard let next = json[end...].firstIndex(where: { !Self.isBlank($0) }) else { return nil }
            index = next
            guard json[next] == UInt8(ascii: ",") else { break }
            guard let following = json[(next + 1)...].firstIndex(where: { !Self.isBlank($0) }) else { return nil }
            index = following
            // Not every decoder minds a comma at the end.
            guard json[following] == UInt8(ascii: "\"") else { return nil }
        }
        guard json[index] == UInt8(ascii: "}") else { return nil }
        guard Set(self.members.map(\.name)) == Set(object.keys), self.members.count == object.count else { return nil }
    }

    /// The names.
    var names: Set<String> { Set(self.members.map(\.name)) }

    /// Returns the members of both; where both have one, the other's.
    func merging(_ other: JSONMembers) -> JSONMembers {
        var merged = self.filter { !other.names.contains($0) }
        merged.members += other.members
        return merged
    }

    /// Returns the members whose name passes.
    func filter(_ isIncluded: (String) -> Bool) -> JSONMembers {
        var filtered = self
        filtered.members = self.members.filter { isIncluded($0.name) }
        return filtered
    }

    /// The object as JSON.
    func json() throws -> [UInt8] {
        var bytes = [UInt8(ascii: "{")]
        for (name, value) in self.members {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes += try JSONStorageCodec().encode(name)
            bytes.append(UInt8(ascii: ":"))
            bytes += value
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// Returns the index behind the value that starts at `start`.
    private static func end(of start: Int, in json: [UInt8]) -> Int {
        var depth = 0
        var isInString = false
        var index = start
        while index < json.count {
            let byte = json[index]
            if isInString {
                if byte == UInt8(ascii: "\\") { index += 1 }
                if byte == UInt8(ascii: "\"") {
                    isInString = false
                    if depth == 0 { return index + 1 }
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return index }
                    depth -= 1
                    if depth == 0 { return index + 1 }
                case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                    if depth == 0 { return index }
                default: break
                }
            }
            index += 1
        }
        return json.count
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
            || byte == UInt8(ascii: "\r")
    }
}
