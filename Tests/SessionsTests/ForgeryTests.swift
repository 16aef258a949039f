import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Forgery")
struct ForgeryTests {
    private let csrf = HTTPField.Name("X-CSRF-Token")

    private func fields(_ token: String?) throws -> HTTPFields {
        var fields = HTTPFields()
        fields[try #require(self.csrf)] = token
        return fields
    }

    @Test("R36 a writing request needs its own session's token, in the field or the form", arguments: Store.allCases)
    func csrf(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        let token = try await browser.visit(config) { try await csrfToken($0) }
        let other = try await Browser().visit(config) { try await csrfToken($0) }
        #expect(token.utf8.count == 43)
        #expect(token != other)
        #expect(try await browser.visit(config) { try await csrfToken($0) } == token)

        func outcome(
            _ method: HTTPRequest.Method, header: String? = nil, form: String? = nil, _ client: Browser? = nil
        ) async throws -> SessionError.Code? {
            try await (client ?? browser).visit(config, method, try self.fields(header)) { event in
                try await code { try await verifyCSRF(event, token: form) }
            }
        }
        for method in [HTTPRequest.Method.get, .head, .options, .trace] { #expect(try await outcome(method) == nil) }
        for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
            #expect(try await outcome(method) == .forbidden)
            #expect(try await outcome(method, header: token) == nil)
            #expect(try await outcome(method, form: token) == nil)
            for wrong in [
                other, "", String(token.dropLast()), token + "A", token.lowercased(), String(token.reversed()),
            ] {
                #expect(try await outcome(method, header: wrong) == .forbidden)
                #expect(try await outcome(method, form: wrong) == .forbidden)
            }
        }
        #expect(try await outcome(.post, header: token, Browser()) == .forbidden)

        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await outcome(.post, header: token) == .forbidden)
        let fresh = try await browser.visit(config) { try await csrfToken($0) }
        #expect(try await outcome(.post, header: fresh) == nil)
        try await browser.copy().visit(config) { try await destroySession($0) }
        #expect(try await outcome(.post, header: fresh) == .forbidden)
    }

    @Test(
        "R28 R36 a token is good for its cookie's name alone, and survives a rotation of secrets",
        arguments: Store.allCases)
    func csrfBinding(store: Store) async throws {
        let world = try World(store)
        let generator = Counter(0)
        func config(_ name: String, _ secret: [String]) throws -> SessionConfig<Visits> {
            var options = SessionOptions()
            options.generator = generator
            let place = SessionPlace.storage(world.storage, secrets: SessionSecrets(secret))
            return try SessionConfig(in: place, name: name, options: options) { Visits() }
        }
        let one = try await Browser().visit(try config("one", [World.secret])) { try await csrfToken($0) }
        let browser = Browser()
        let two = try await browser.visit(try config("two", [World.secret])) { try await csrfToken($0) }
        #expect(one != two)
        let rotated = try config("two", ["another secret of at least 32 bytes", World.secret])
        #expect(
            try await browser.visit(rotated, .post, try self.fields(two)) { event in
                try await code { try await verifyCSRF(event) }
            } == nil)
        let removed = try config("two", ["another secret of at least 32 bytes"])
        #expect(
            try await browser.visit(removed, .post, try self.fields(two)) { event in
                try await code { try await verifyCSRF(event) }
            } == .forbidden)
    }
}
