import Hummingbird
import KVStorageHummingbird
import Sessions

/// Logging in and out, here and everywhere.
struct AccountRoutes {
    let sessions: SessionConfig<Visitor>

    private struct LoginForm: Decodable {
        var name: String
    }

    private struct SessionForm: Decodable {
        var session: String
    }

    var routes: RouteCollection<PlaygroundContext> {
        let routes = RouteCollection(context: PlaygroundContext.self)
        routes.post("login", use: self.logIn)
        routes.post("logout", use: self.logOut)
        routes.post("logout/everywhere", use: self.logOutEverywhere)
        routes.post("sessions/end", use: self.endSession)
        return routes
    }

    @Sendable private func logIn(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: LoginForm.self, context: context)
        let user: String
        do throws(Visitor.Refusal) {
            user = try Visitor.user(form.name)
        } catch {
            throw HTTPError(.badRequest, message: error.message)
        }
        if let present = try await sessionInfo(context.event)?.user, present != user {
            throw HTTPError(.conflict, message: "Somebody is logged in here. Log out first.")
        }
        // A new ID comes with it: one that somebody planted before the login is worth nothing now.
        try await authenticateSession(context.event, user: user, as: Visitor.self) { old, new in new.carry(from: old) }
        try await setFlash(context.event, VisitorRoutes.notice, "Welcome, \(user). Your session has a new ID.")
        return .redirect(to: "/")
    }

    @Sendable private func logOut(_ request: Request, context: PlaygroundContext) async throws -> Response {
        try await destroySession(context.event)
        return .redirect(to: "/")
    }

    @Sendable private func logOutEverywhere(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let user = try await self.user(context)
        // This session goes last, and with it its cookie; should the rest fail, whoever asked can ask again.
        try await revokeSessions(of: user, except: context.event, self.sessions)
        try await destroySession(context.event)
        return .redirect(to: "/")
    }

    @Sendable private func endSession(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: SessionForm.self, context: context)
        let wasThere = try await revokeSession(form.session, of: self.user(context), self.sessions)
        try await setFlash(
            context.event, VisitorRoutes.notice,
            wasThere ? "That browser is logged out." : "That session was over already."
        )
        return .redirect(to: "/")
    }

    private func user(_ context: PlaygroundContext) async throws -> String {
        guard let user = try await sessionInfo(context.event)?.user else {
            throw HTTPError(.unauthorized, message: "You are not logged in any more.")
        }
        return user
    }
}
