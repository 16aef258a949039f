import Hummingbird
import KVStorage
import KVStorageHummingbird
import Sessions

/// The page and what its forms do. Every form answers with a redirect, so that reloading sends nothing again.
struct VisitorRoutes {
    let sessions: SessionConfig<Visitor>
    let store: Store
    let statistics: Storage

    /// What a form leaves for the page after the redirect to say, once.
    static let notice = "notice"

    private struct NoteForm: Decodable {
        var name: String
        var value: String
    }

    private struct NameForm: Decodable {
        var name: String
    }

    var routes: RouteCollection<PlaygroundContext> {
        let routes = RouteCollection(context: PlaygroundContext.self)
        routes.get("/", use: self.home)
        routes.post("notes", use: self.setNote)
        routes.post("notes/remove", use: self.removeNote)
        return routes
    }

    @Sendable private func home(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let event = try context.event
        let visitor = try await updateSession(event, as: Visitor.self) { visitor in
            visitor.visits += 1
            return visitor
        }
        let session = try await sessionInfo(event)
        var sessions: [SessionInfo] = []
        if let user = session?.user { sessions = try await listSessions(of: user, current: event, self.sessions) }
        let views = try await self.statistics.incrementItem("views")
        let token = try await csrfToken(event)
        let notice = try await takeFlash(event, Self.notice, as: String.self)
        let page = HomePage(
            visitor: visitor,
            views: views,
            store: self.store,
            token: token,
            notice: notice,
            session: session,
            sessions: sessions
        )
        return page.html.response()
    }

    @Sendable private func setNote(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: NoteForm.self, context: context)
        return try await self.change(context, "Kept.") { visitor throws(Visitor.Refusal) in
            try visitor.setNote(form.name, form.value)
        }
    }

    @Sendable private func removeNote(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: NameForm.self, context: context)
        return try await self.change(context, "Removed.") { visitor in visitor.removeNote(form.name) }
    }

    private func change(
        _ context: PlaygroundContext,
        _ notice: String,
        _ body: (inout Visitor) throws(Visitor.Refusal) -> Void
    ) async throws -> Response {
        do {
            try await updateSession(context.event, as: Visitor.self, body)
        } catch let refusal as Visitor.Refusal {
            throw HTTPError(.badRequest, message: refusal.message)
        }
        try await setFlash(context.event, Self.notice, notice)
        return .redirect(to: "/")
    }
}
