import Foundation
import HTTPTypes
import ProcessOutput
import Sessions

/// What other requests of a browser do with its session while another process ends it.
struct SessionActions {
    private let sessions: SessionConfig<SessionProcess.Visits>

    init(_ sessions: SessionConfig<SessionProcess.Visits>) {
        self.sessions = sessions
    }

    /// Reads a file of lines, each an action and a `Cookie` field, and carries them out one after another.
    func run(_ path: String) async throws {
        var cookies: [String] = []
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            Output.line("next")
            cookies.append(try await self.act(parts[0], parts[1]))
        }
        for cookie in cookies { Output.line("cookie \(cookie)") }
    }

    /// Carries an action out; returns the cookie that the browser has then.
    private func act(_ action: String, _ cookie: String) async throws -> String {
        let request = HTTPRequest(
            method: .post, scheme: "https", authority: "example.org", path: "/", headerFields: [.cookie: cookie])
        let event = SessionEvent(request: request)
        try await useSession(event, self.sessions)
        do {
            switch action {
            case "regenerate": try await regenerateSession(event)
            case "update": try await updateSession(event, as: SessionProcess.Visits.self) { $0.count += 1 }
            case "touch": _ = try await getSession(event, as: SessionProcess.Visits.self)
            case "revoke": try await revokeSessions(of: "ada", except: event, self.sessions)
            case "login":
                // As a login of a session that is there: one that finds none any more is a new one.
                if try await sessionInfo(event) != nil { try await authenticateSession(event, user: "ada") }
            default: return cookie
            }
        } catch let error as SessionError where error.code == .gone {
            return cookie
        }
        guard let field = event.responseFields[values: .setCookie].first else { return cookie }
        return String(field.prefix { $0 != ";" })
    }
}
