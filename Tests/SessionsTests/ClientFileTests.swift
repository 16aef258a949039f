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
