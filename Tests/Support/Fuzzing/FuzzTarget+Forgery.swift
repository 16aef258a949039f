import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions

extension FuzzTarget {
    /// `Authorization` fields. What is accepted was issued, and only one field that says Bearer needs no other proof.
    static let bearers = FuzzTarget(name: "bearers", share: 5) {
        var options = SessionOptions()
        options.tokenField = .bearer
        let config = try SessionConfig(
            in: .storage(Storage(), secrets: [Self.secret]), options: options
        ) { Visits() }
        let answer = HTTPField.Name("X-Session-Token")
        var seeds = ["Bearer", "Basic YTpi"]
        for count in [7, 8] {
            var request = Self.request(.post)
            request.headerFields[.authorization] = "Bearer"
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            try await updateSession(event, as: Visits.self) { $0.count = count }
            seeds.append("Bearer \(answer.flatMap { event.responseFields[$0] } ?? "")")
        }
        let mutator = Mutator(
            seeds: seeds,
            pieces: [
                "Bearer", "bearer ", "BEARER", "Basic ", " ", "\t", ",", "s:", "s%3A", ".", "=", "AAAA", "-_", "+/",
            ],
            maximumCount: 500
        )
        let second = seeds[2]
        return { generator in
            let input = mutator.input(&generator)
            var request = Self.request(.post)
            request.headerFields.append(HTTPField(name: .authorization, lenientValue: input))
            let isDouble = Int.random(in: 0..<4, using: &generator) == 0
            if isDouble { request.headerFields.append(HTTPField(name: .authorization, value: second)) }
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            var passes = true
            do { try await verifyCSRF(event) } catch { passes = false }
            let field = request.headerFields[.authorization] ?? ""
            let isBearer = field.prefix(6).lowercased() == "bearer" && !isDouble
            guard !passes || isBearer else { throw Violation("passed without the scheme", input) }
            guard let value = try await getSession(event, as: Visits.self) else { return false }
            guard passes, [7, 8].contains(value.count) else { throw Violation("accepted what was never issued", input) }
            return true
        }
    }

    /// Tokens of forms, and the cookie that they belong to without a session. What is accepted was issued for that cookie.
    static let forms = FuzzTarget(name: "forms", share: 5) {
        let config = try SessionConfig(in: .storage(Storage(), secrets: [Self.secret])) { Visits() }
        var issued: [(cookie: String, token: String)] = []
        for _ in 0..<2 {
            let event = SessionEvent(request: Self.request())
            try await useSession(event, config)
            let token = try await csrfToken(event)
            issued.append(("\(event.responseFields[.setCookie]?.prefix { $0 != ";" } ?? "")", token))
        }
        let pieces = ["=", ";", "; ", "\"", ".", " ", "__Host-sid-csrf=", "A", "AAAA", "-_", "+/", "%2D"]
        let cookies = Mutator(seeds: issued.map(\.cookie), pieces: pieces, maximumCount: 600)
        let tokens = Mutator(seeds: issued.map(\.token), pieces: pieces, maximumCount: 600)
        let pairs = issued
        return { generator in
            let changesCookie = Bool.random(using: &generator)
            let pair = pairs[Int.random(in: 0..<2, using: &generator)]
            let input = changesCookie ? cookies.input(&generator) : tokens.input(&generator)
            let token = changesCookie ? pair.token : String(decoding: input, as: UTF8.self)
            var request = Self.request(.post)
            request.headerFields.append(
                changesCookie
                    ? HTTPField(name: .cookie, lenientValue: input) : HTTPField(name: .cookie, value: pair.cookie))
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            do { try await verifyCSRF(event, token: token) } catch { return false }
            let field = request.headerFields[.cookie] ?? ""
            let value = pair.cookie.drop { $0 != "=" }
            guard token.utf8.elementsEqual(pair.token.utf8), field.contains(value) else {
                throw Violation("accepted what was never issued", input)
            }
            return true
        }
    }
}
