import HTTPTypes
import Sessions
import Testing

@Suite("The browser client's files")
struct ClientFileTests {
    private func text(_ file: SessionClientFile) -> String { String(decoding: file.bytes, as: UTF8.self) }

    @Test("The module begins with the enabled methods, in one order, and is otherwise the same")
    func methods() {
        let none = SessionEndpoints().clientModule
        #expect(self.text(none).hasPrefix("const servedWith = { methods: [] };\n// "))
        let all = SessionEndpoints(methods: [.delete, .post, .patch, .get]).clientModule
        let line = "const servedWith = { methods: [\"GET\", \"PATCH\", \"POST\", \"DELETE\"] };\n"
        #expect(self.text(all).hasPrefix(line))
        #expect(self.text(all).dropFirst(line.count) == self.text(none).drop { $0 != "\n" }.dropFirst())
        #expect(all.entityTag != none.entityTag)
        #expect(all.name == "client.js")
    }

    @Test("What the module exports is declared")
    func declarations() {
        let declarations = self.text(SessionEndpoints.clientDeclarations)
        let exports = self.text(SessionEndpoints().clientModule).matches(
            of: /\nexport (?:async )?(function|class) (\w+)/)
        #expect(exports.count == 3)
        for export in exports { #expect(declarations.contains("export \(export.1) \(export.2)")) }
    }

    @Test("The client reads the fields that the endpoints send, and declares what it gives and takes")
    func fields() async throws {
        let config = try World().config()
        let event = Browser().request()
        try await useSession(event, config)
        try await increment(event)
        let endpoints = SessionEndpoints(methods: [.get])
        let answer = try await sessionEndpoint(event, as: Visits.self, endpoints)
        let name = try #require(answer.fields.map(\.name.rawName).first { $0.hasPrefix("X-Session-") })
        let module = self.text(endpoints.clientModule)
        #expect(module.contains("headers.get(\"\(name)\")"))
        let declarations = self.text(SessionEndpoints.clientDeclarations)
        let options = try #require(module.firstMatch(of: /const \{ ([^}]+) \} = options;/)?.1)
        for option in options.split(separator: ", ") {
            #expect(declarations.contains("  \(option.prefix { $0 != " " })?: "), "\(option)")
        }
        for member in ["refresh", "update", "overwrite", "remove", "reset", "subscribe", "onExpiring"] {
            #expect(declarations.contains("  \(member)("), "\(member)")
        }
        // Where a project says that the address has its types.
        #expect(declarations.contains("/api/session/\(endpoints.clientModule.name)"))
        #expect(declarations.contains("./types/\(SessionEndpoints.clientDeclarations.name)"))
    }

    @Test("A client that has the current file gets 304", arguments: ["*", "TAG", "W/TAG", "\"x\", TAG"])
    func notModified(known: String) {
        let file = SessionEndpoints(methods: [.get]).clientModule
        var request = HTTPRequest(method: .get, scheme: "https", authority: "a.example", path: "/api/session/client.js")
        #expect(file.response(to: request).status == .ok)
        #expect(file.response(to: request).body == file.bytes)
        request.headerFields[.ifNoneMatch] = known.replacing("TAG", with: file.entityTag)
        let response = file.response(to: request)
        #expect(response.status == .notModified)
        #expect(response.body.isEmpty)
        #expect(response.fields[.eTag] == file.entityTag)
        request.headerFields[.ifNoneMatch] = SessionEndpoints.clientDeclarations.entityTag
        #expect(file.response(to: request).status == .ok)
    }
}
