import HTTPTypes
import KVStorage
import Sessions
import Testing

@Suite("Same origin")
struct SameOriginTests {
    private let site = HTTPField.Name("Sec-Fetch-Site")

    private func passes(
        _ config: SessionConfig<Visits>,
        host: String?,
        _ fields: HTTPFields,
        isSecure: Bool = true,
        allowing origins: Set<String> = []
    ) async throws -> Bool {
        let request = HTTPRequest(
            method: .post, scheme: "https", authority: host, path: "/", headerFields: fields)
        let event = SessionEvent(request: request, isSecure: isSecure)
        try await useSession(event, config)
        let passes = try isSameOrigin(event, allowing: origins)
        #expect(event.responseFields[.vary] == "Sec-Fetch-Site, Origin")
        return passes
    }

    @Test("R36 only the hosts that are listed are this server, by any of the browser's words for it")
    func hosts() async throws {
        let config = try World().config { $0.hosts = ["example.org", "Admin.Example.org:8443", "[::1]:8080"] }
        let site = try #require(self.site)
        let table: [(host: String?, isSecure: Bool, passes: Bool)] = [
            ("example.org", true, true), ("EXAMPLE.ORG", true, true), ("example.org:8443", true, true),
            ("example.org", false, true), ("admin.example.org:8443", true, true), ("admin.example.org", true, false),
            ("admin.example.org:443", true, false), ("[::1]:8080", false, true), ("[::1]", false, false),
            ("evil.example", true, false), ("example.org.evil.example", true, false), ("example.org.", true, false),
            ("xexample.org", true, false), ("", true, false), (nil, true, false),
            ("ex\u{E4}mple.org", true, false), ("example.org\u{300}", true, false),
        ]
        for (host, isSecure, passes) in table {
            let origin = "\(isSecure ? "https" : "http")://\(host ?? "")"
            for fields in [[site: "same-origin"], [.origin: origin]] as [HTTPFields] {
                let result = try await self.passes(config, host: host, fields, isSecure: isSecure)
                #expect(result == passes, "\(host ?? "-") \(fields)")
            }
            let allowed = try await self.passes(
                config, host: host, [.origin: "https://cdn.example"], isSecure: isSecure,
                allowing: ["https://cdn.example"])
            #expect(allowed == passes, "\(host ?? "-")")
        }
        let ports = try World().config { $0.hosts = ["a.example:443", "b.example:80"] }
        for (host, isSecure, passes) in [
            ("a.example", true, true), ("a.example", false, false), ("b.example", false, true),
            ("b.example", true, false), ("a.example:443", false, true),
        ] {
            let result = try await self.passes(ports, host: host, [site: "same-origin"], isSecure: isSecure)
            #expect(result == passes, "\(host) \(isSecure)")
        }
    }

    @Test("Without a list any host is the right one, and what is no host is refused")
    func hostOptions() async throws {
        let world = try World()
        let site = try #require(self.site)
        #expect(try await self.passes(try world.config(), host: "evil.example", [site: "same-origin"]))
        for hosts in [
            [], [""], ["https://example.org"], ["example.org/"], ["example.org:"], ["example.org:x"], ["::1"], ["a b"],
            ["*.example.org"], ["ex\u{E4}mple.org"], ["example.org:123456"],
        ] as [Set<String>] {
            #expect(try await code { _ = try world.config { $0.hosts = hosts } } == .invalidConfiguration, "\(hosts)")
        }
    }

    @Test("Origins are compared as bytes")
    func bytes() async throws {
        let config = try World().config()
        #expect(
            try await !self.passes(
                config, host: "a.example", [.origin: "https://zo\u{65}\u{301}.example"],
                allowing: ["https://zo\u{E9}.example"]))
    }
}
