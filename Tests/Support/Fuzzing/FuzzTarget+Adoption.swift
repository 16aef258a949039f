import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions

extension FuzzTarget {
    /// `Cookie` fields of another library and records of its. What is taken over was signed there and could be read; whatever the
    /// record is, a request goes on.
    static let adoptions = FuzzTarget(name: "adoptions", share: 5) {
        let ids = ["Xd2yqEwRkT1lS0v9aPzBnM4cGh7JfU8o", "3f2b8a44-6f0e-4a53-9a53-1f2d3c4b5a69"]
        let foreign = Storage()
        for id in ids { try await foreign.setItemRaw(id, Array("{\"count\":7}".utf8)) }
        let codec = JSONStorageCodec()
        let config = try SessionConfig(
            in: .storage(Storage(), secrets: [Self.secret]), { Visits() },
            adopt: .express(foreign, secrets: ["keyboard cat"]) {
                Adopted(value: try codec.decode(Visits.self, from: $0))
            })
        let fields = ids.map { id in
            let signed = signCookie(id, secret: "keyboard cat")
            return "a=b; connect.sid="
                + signed.replacing(":", with: "%3A").replacing("+", with: "%2B")
                .replacing("/", with: "%2F")
        }
        let pieces = ["connect.sid=", "s%3A", "s:", "%", ".", "=", "; ", "a:b", "..", "%2F", "AAAA"]
        let cookies = Mutator(seeds: fields, pieces: pieces, maximumCount: 3000)
        let records = Mutator(
            seeds: ["{\"count\":7}", "{}"], pieces: ["\"", "{", "}", "[", ":", "count", "1e999", "\\u0000"])
        return { generator in
            if Int.random(in: 0..<10, using: &generator) == 0 {
                try await foreign.setItemRaw(ids[0], records.input(&generator))
            } else {
                try await foreign.setItemRaw(ids[0], Array("{\"count\":7}".utf8))
            }
            let input = cookies.input(&generator)
            var request = Self.request()
            request.headerFields.append(HTTPField(name: .cookie, lenientValue: input))
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            guard try await getSession(event, as: Visits.self) != nil else { return false }
            let text = String(decoding: input, as: UTF8.self)
            guard fields.contains(where: { text.contains($0.dropFirst("a=b; connect.sid=s%3A".count).prefix(20)) })
            else {
                throw Violation("took over what was never signed", input)
            }
            return true
        }
    }
}
