import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions

extension FuzzTarget {
    struct Visits: Codable, Sendable, Equatable { var count = 0 }

    static let secret = "a secret of at least 32 bytes, for fuzzing"

    private static let cookiePieces = [
        "=", ";", "; ", "\"", "s%3A", "s:", "%", "%3A", "%2B", ".", " ", "\t", "__Host-sid", "__Host-sid=", "e1.",
        "e1.a.",
        "a", "AAAA", "-_", "+/",
    ]

    /// `Cookie` fields. What is accepted was issued: the session behind it is the one that was made.
    static let cookies = Self.cookieTarget("cookies", share: 10) {
        try SessionConfig(in: .storage(Storage(), secrets: [Self.secret])) { Visits() }
    }

    /// `Cookie` fields with sealed sessions.
    static let sealedCookies = Self.cookieTarget("sealed-cookies", share: 10) {
        try SessionConfig(in: .cookie(sealedWith: [Self.key()])) { Visits() }
    }

    private static func cookieTarget(
        _ name: String,
        share: Int,
        _ makeConfig: @escaping @Sendable () throws -> SessionConfig<Visits>
    ) -> FuzzTarget {
        FuzzTarget(name: name, share: share) {
            let config = try makeConfig()
            var fields: [String] = []
            for count in [7, 8] {
                let event = SessionEvent(request: Self.request())
                try await useSession(event, config)
                try await updateSession(event, as: Visits.self) { $0.count = count }
                let cookie = event.responseFields[.setCookie]?.prefix { $0 != ";" } ?? ""
                fields += ["\(cookie)", "theme=dark; \(cookie); a=b"]
            }
            let mutator = Mutator(seeds: fields, pieces: Self.cookiePieces, maximumCount: 9000)
            return { generator in
                let input = mutator.input(&generator)
                var request = Self.request()
                request.headerFields.append(HTTPField(name: .cookie, lenientValue: input))
                let event = SessionEvent(request: request)
                try await useSession(event, config)
                guard let value = try await getSession(event, as: Visits.self) else { return false }
                guard [7, 8].contains(value.count) else { throw Violation("accepted what was never issued", input) }
                guard event.responseFields[.setCookie] == nil else { throw Violation("a cookie for no reason", input) }
                return true
            }
        }
    }

    /// Signed values. What is accepted is, letter for letter, what signing writes.
    static let signatures = FuzzTarget(name: "signatures", share: 10) {
        let values = ["value.with.dots", "", "ü%:;", "a"]
        let signed = values.map { signCookie($0, secret: Self.secret) }
        let mutator = Mutator(seeds: signed, pieces: Self.cookiePieces)
        return { generator in
            let input = mutator.input(&generator)
            let text = String(decoding: input, as: UTF8.self)
            if let value = unsignCookie(text, secrets: ["other", Self.secret]) {
                guard values.contains(value) else { throw Violation("accepted what was never issued", input) }
                guard text.utf8.starts(with: "s%3A".utf8) || signCookie(value, secret: Self.secret) == text else {
                    throw Violation("two texts for one value", input)
                }
                return true
            }
            guard unsignCookie(signCookie(text, secret: Self.secret), secrets: [Self.secret]) == text else {
                throw Violation("signed and not accepted", input)
            }
            return false
        }
    }

    static func key() throws -> SealingKey { try SealingKey(id: "a", bytes: Array(repeating: 7, count: 32)) }

    static func request(_ method: HTTPRequest.Method = .get) -> HTTPRequest {
        HTTPRequest(method: method, scheme: "https", authority: "example.org", path: "/")
    }
}
