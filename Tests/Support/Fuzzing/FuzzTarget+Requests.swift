import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions

extension FuzzTarget {
    struct Profile: Codable, Sendable, Equatable {
        var theme = "light"
        var volume: Int? = 5
        var isAdmin = false
    }

    /// Bodies of session endpoints: answered by 200, 400 or 413, and never a field changed that is not writable.
    static let bodies = FuzzTarget(name: "bodies", share: 5) {
        let endpoints = SessionEndpoints(
            methods: [.patch, .post], writable: ["theme", "volume"], maximumBodyBytes: 1000, forgeryCheck: .none)
        let mutator = Mutator(
            seeds: [
                #"{"theme":"dark"}"#, #"{"theme":"da\"rk","volume":null}"#,
                #"{"volume":7,"theme":"\u00fc\ud83d\ude00"}"#,
                #"{"theme":"dark","volume":[1,{"a":"b\n"}],"isAdmin":true}"#,
            ],
            pieces: [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "null", "true", "1e400", "-", "0", ".5",
                "\"isAdmin\":true", "\"theme\":", " ", "\n", "\u{0}", "\u{FEFF}",
            ],
            maximumCount: 1100
        )
        return { generator in
            let input = mutator.input(&generator)
            let config = try SessionConfig(in: .storage(Storage(), secrets: [Self.secret])) { Profile() }
            var request = Self.request(Bool.random(using: &generator) ? .patch : .post)
            request.headerFields[.contentType] = "application/json"
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            let response = try await sessionEndpoint(event, body: input, as: Profile.self, endpoints)
            let value = try await getSession(event, as: Profile.self)
            guard response.status == .ok else {
                guard value == nil, [.badRequest, .contentTooLarge].contains(response.status) else {
                    throw Violation("refused with \(response.status), and still \(value as Any)", input)
                }
                return false
            }
            guard let value, !value.isAdmin else { throw Violation("wrote what is not writable", input) }
            return true
        }
    }

    /// Addresses and chains of proxies: a session is made or refused, and its address is read the same the next time.
    static let addresses = FuzzTarget(name: "addresses", share: 10) {
        var options = SessionOptions()
        options.pinning = AddressPinning()
        options.proxies = try TrustedProxies(hops: 3, networks: ["10.0.0.0/8", "fd00::/8"])
        let config = try SessionConfig(in: .cookie(sealedWith: [Self.key()]), options: options) { Visits() }
        let name = HTTPField.Name("X-Forwarded-For")
        let mutator = Mutator(
            seeds: [
                "192.0.2.1, 10.0.0.1", "[2001:db8::1]:443", "::ffff:192.0.2.1", "fe80::1%eth0", "1:2:3:4:5:6:7:8",
                "10.0.0.1:80, fd00::1", "unknown",
            ],
            pieces: [",", ":", "::", ".", "[", "]", "%", "/", "0", "256", "ffff", "10.0.0.1", "-1"],
            maximumCount: 500
        )
        return { generator in
            let input = mutator.input(&generator)
            var request = Self.request()
            if let name { request.headerFields.append(HTTPField(name: name, lenientValue: input)) }
            let isProxy = Bool.random(using: &generator)
            let address = isProxy ? "10.0.0.9" : String(decoding: input, as: UTF8.self)
            let event = SessionEvent(request: request, remoteAddress: address)
            try await useSession(event, config)
            do {
                try await updateSession(event, as: Visits.self) { $0.count += 1 }
            } catch let error as SessionError where error.code == .noAddress {
                return false
            }
            request.headerFields[.cookie] = event.responseFields[.setCookie].map { String($0.prefix { $0 != ";" }) }
            let again = SessionEvent(request: request, remoteAddress: address)
            try await useSession(again, config)
            guard try await getSession(again, as: Visits.self) == Visits(count: 1) else {
                throw Violation("the same address was refused", input)
            }
            return true
        }
    }
}
