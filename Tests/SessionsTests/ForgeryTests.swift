import Foundation
import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Forgery")
struct ForgeryTests {
    private let csrf = HTTPField.Name("X-CSRF-Token")

    private func outcome(
        _ config: SessionConfig<Visits>,
        _ browser: Browser,
        _ method: HTTPRequest.Method = .post,
        header: String? = nil,
        form: String? = nil
    ) async throws -> SessionError.Code? {
        var fields = HTTPFields()
        fields[try #require(self.csrf)] = header
        return try await browser.visit(config, method, fields) { event in
            try await code { try await verifyCSRF(event, token: form) }
        }
    }

    private func token(_ config: SessionConfig<Visits>, _ browser: Browser) async throws -> String {
        try await browser.visit(config) { try await csrfToken($0) }
    }

    @Test(
        "R36 a writing request needs its own session's token, in the field or the form, with a session and without one",
        arguments: Store.allCases, [true, false])
    func csrf(store: Store, hasSession: Bool) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        if hasSession { _ = try await browser.visit(config) { try await increment($0) } }
        let token = try await self.token(config, browser)
        let other = try await self.token(config, Browser())
        for method in [HTTPRequest.Method.get, .head, .options, .trace] {
            #expect(try await self.outcome(config, browser, method) == nil)
        }
        for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
            #expect(try await self.outcome(config, browser, method) == .forbidden)
            #expect(try await self.outcome(config, browser, method, header: token) == nil)
            #expect(try await self.outcome(config, browser, method, form: token) == nil)
            for wrong in [
                other, "", String(token.dropLast()), token + "A", String(token.dropFirst(43)), String(token.prefix(43)),
                String(repeating: "A", count: 86), String(token.reversed()),
            ] {
                #expect(try await self.outcome(config, browser, method, header: wrong) == .forbidden)
                #expect(try await self.outcome(config, browser, method, form: wrong) == .forbidden)
            }
        }
        #expect(try await self.outcome(config, Browser(), header: token) == .forbidden)
        #expect(try await world.keys().count == (hasSession ? 1 : 0))
    }

    @Test("R36 no two tokens are the same text, and all are good until the ID changes", arguments: Store.allCases)
    func masked(store: Store) async throws {
        let config = try World(store).config()
        for hasSession in [true, false] {
            let browser = Browser()
            if hasSession { _ = try await browser.visit(config) { try await increment($0) } }
            let tokens = try await browser.visit(config) { event in
                var tokens: [String] = []
                for _ in 0..<50 { tokens.append(try await csrfToken(event)) }
                return tokens
            }
            #expect(Set(tokens.map { $0.prefix(40) }).count == 50)
            #expect(Set(tokens.map { $0.suffix(40) }).count == 50)
            #expect(tokens.allSatisfy { $0.utf8.count == 86 })
            for token in tokens { #expect(try await self.outcome(config, browser, header: token) == nil) }
        }
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let token = try await self.token(config, browser)
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await self.outcome(config, browser, header: token) == .forbidden)
        let fresh = try await self.token(config, browser)
        #expect(try await self.outcome(config, browser, header: fresh) == nil)
        try await browser.copy().visit(config) { try await destroySession($0) }
        #expect(try await self.outcome(config, browser, header: fresh) == .forbidden)
    }

    @Test("R36 each bit of a token counts")
    func everyBit() async throws {
        let config = try World().config()
        let browser = Browser()
        let token = try await self.token(config, browser)
        let text = token.replacing("-", with: "+").replacing("_", with: "/") + "=="
        let bytes = Array(try #require(Data(base64Encoded: text)))
        #expect(bytes.count == 64)
        for bit in 0..<512 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            let text = Data(flipped).base64EncodedString().prefix(86)
            let changed = text.replacing("+", with: "-").replacing("/", with: "_")
            #expect(try await self.outcome(config, browser, header: String(changed)) == .forbidden)
        }
    }

    @Test("R36 a login or a first write ends the tokens from before it; those of the session come after")
    func stale() async throws {
        let config = try World().config()
        for starts in [true, false] {
            let browser = Browser()
            let before = try await self.token(config, browser)
            #expect(try await self.outcome(config, browser, header: before) == nil)
            try await browser.visit(config) { event in
                if starts { try await increment(event) } else { try await authenticateSession(event, user: "ada") }
            }
            #expect(try await self.outcome(config, browser, header: before) == .forbidden)
            let after = try await self.token(config, browser)
            #expect(try await self.outcome(config, browser, header: after) == nil)
            // The cookie from before is still there, and serves again when the session is over.
            try await browser.visit(config) { try await destroySession($0) }
            #expect(try await self.outcome(config, browser, header: after) == .forbidden)
            #expect(try await self.outcome(config, browser, header: before) == nil)
        }
    }

    @Test(
        "R28 R36 a token is good for its cookie's name alone, and survives a rotation of secrets",
        arguments: Store.allCases, [true, false])
    func csrfBinding(store: Store, hasSession: Bool) async throws {
        let world = try World(store)
        let generator = Counter(0)
        func config(_ name: String, _ secret: [String]) throws -> SessionConfig<Visits> {
            var options = SessionOptions()
            options.generator = generator
            let place = SessionPlace.storage(world.storage, secrets: SessionSecrets(secret))
            return try SessionConfig(in: place, name: name, options: options) { Visits() }
        }
        func visit(_ config: SessionConfig<Visits>, _ browser: Browser) async throws -> String {
            if hasSession { _ = try await browser.visit(config) { try await increment($0) } }
            return try await self.token(config, browser)
        }
        let two = try config("two", [World.secret])
        let browser = Browser()
        let one = try await visit(try config("one", [World.secret]), Browser())
        let token = try await visit(two, browser)
        #expect(try await self.outcome(two, browser, header: one) == .forbidden)
        let rotated = try config("two", ["another secret of at least 32 bytes", World.secret])
        #expect(try await self.outcome(rotated, browser, header: token) == nil)
        let removed = try config("two", ["another secret of at least 32 bytes"])
        #expect(try await self.outcome(removed, browser, header: token) == .forbidden)
        // The cookie is signed anew with a token from it, and outlives the old secret.
        let renewed = try await self.token(rotated, browser)
        #expect(try await self.outcome(removed, browser, header: renewed) == nil)
    }
}
