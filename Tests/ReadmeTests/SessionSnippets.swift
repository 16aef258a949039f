import HTTPTypes
import KVStorage
import Sessions
import Testing

/// The README's code on sessions, with what it does.
@Suite struct SessionSnippets {
    // README: begin
    struct Visits: Codable, Sendable {
        var count = 0
    }

    func respond(to request: HTTPRequest, _ sessions: SessionConfig<Visits>) async throws -> HTTPResponse {
        let event = SessionEvent(request: request, isSecure: true)
        try await useSession(event, sessions)  // verifies the cookie; touches no storage
        let count = try await updateSession(event, as: Visits.self) { visits in
            visits.count += 1
            return visits.count
        }
        var response = HTTPResponse(status: .ok)
        response.headerFields[.contentLanguage] = "\(count)"  // not shown
        print("visit", count)
        event.apply(to: &response.headerFields)  // Set-Cookie, Cache-Control
        return response
    }
    // README: end

    private let place = SessionPlace.storage(Storage(), secrets: "a secret of at least thirty-two bytes")

    @Test func aSessionLastsFromRequestToRequest() async throws {
        let storage = Storage()
        let secret = "a secret of at least thirty-two bytes"
        // README: begin
        var options = SessionOptions()
        options.idleTimeout = .seconds(1800)
        let sessions = try SessionConfig(
            in: .storage(storage.prefixed("sessions"), secrets: [secret]),
            options: options
        ) { Visits() }
        // README: end
        var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
        let first = try await self.respond(to: request, sessions)
        let cookie = try #require(first.headerFields[.setCookie])
        request.headerFields[.cookie] = String(cookie.prefix { $0 != ";" })
        let second = try await self.respond(to: request, sessions)
        #expect(second.headerFields[.contentLanguage] == "2")
    }

    @Test func loggingInAndOut() async throws {
        let sessions = try SessionConfig(in: self.place) { Visits() }
        let event = SessionEvent(request: HTTPRequest(method: .get, scheme: "https", authority: "a.example", path: "/"))
        try await useSession(event, sessions)
        try await updateSession(event, as: Visits.self) { $0.count = 5 }
        // README: begin
        let visits = try await getSession(event, as: Visits.self)  // nil if there is no session
        try await regenerateSession(event)  // a new ID with the same data: after a change of rights
        try await destroySession(event)  // a logout that really ends it
        // README: end
        #expect(visits?.count == 5)
        #expect(try await getSession(event, as: Visits.self) == nil)
    }

    @Test func scriptsReachTheSession() async throws {
        struct Profile: Codable, Sendable {
            var theme = "light"
        }
        let sessions = try SessionConfig(in: self.place) { Profile() }
        let origin: HTTPFields = [.origin: "https://a.example", .contentType: "application/json"]
        let event = SessionEvent(
            request: HTTPRequest(
                method: .patch, scheme: "https", authority: "a.example", path: "/api/session", headerFields: origin),
            isSecure: true
        )
        try await useSession(event, sessions)
        let body = Array(#"{"theme":"dark"}"#.utf8)
        // README: begin
        let endpoints = SessionEndpoints(methods: [.get, .patch], writable: ["theme"])
        let answer = try await sessionEndpoint(event, body: body, as: Profile.self, endpoints)  // status, fields, body
        let module = endpoints.clientModule.response(to: event.request)  // for /api/session/client.js
        // README: end
        #expect(answer.body == Array(#"{"theme":"dark"}"#.utf8))
        #expect(module.status == .ok)
    }

    @Test func users() async throws {
        let sessions = try SessionConfig(in: self.place) { Visits() }
        let event = SessionEvent(request: HTTPRequest(method: .get, scheme: "https", authority: "a.example", path: "/"))
        try await useSession(event, sessions)
        // README: begin
        try await authenticateSession(event, user: "ada", persistent: true, methods: ["password"])  // remembered
        try await setFlash(event, "notice", "Welcome back")  // for the next page to take, once
        let token = try await csrfToken(event)  // for a form; verifyCSRF(event, token:) checks it
        try await requireAuthentication(event, within: .seconds(300), methods: ["password"])  // before a payment

        for session in try await listSessions(of: "ada", current: event, sessions) {
            print(session.userAgent ?? "?", session.lastSeen, session.isCurrent)
        }
        try await revokeSessions(of: "ada", except: event, sessions)  // log out everywhere else
        try await revokeAllSessions(sessions)  // everybody, everywhere
        // README: end
        #expect(token.utf8.count == 86)
        #expect(try await takeFlash(event, "notice", as: String.self) == "Welcome back")
        #expect(try await listSessions(of: "ada", sessions).isEmpty)
    }

    @Test func streamsEndWithTheSession() async throws {
        let sessions = try SessionConfig(in: self.place) { Visits() }
        let event = SessionEvent(request: HTTPRequest(method: .get, scheme: "https", authority: "a.example", path: "/"))
        try await useSession(event, sessions)
        try await authenticateSession(event, user: "ada")
        let (messages, continuation) = AsyncStream<String>.makeStream()
        continuation.yield("hello")
        continuation.finish()
        // Whoever comes later logs the user out.
        let logout = Task { try await revokeSessions(of: "ada", sessions) }
        do {
            // README: begin
            try await withSession(event) {  // cancelled when the session is logged out, revoked, idle or too old
                for await message in messages { print(message) }
            }
            for await end in try await sessionEnd(event) { print("the session is over:", end) }
            // README: end
        } catch let error as SessionError {
            #expect(error.code == .gone)
        }
        #expect(try await logout.value == 1)
    }
}
