import Hummingbird
import KVStorage
import KVStorageHummingbird
import Sessions

/// The page and what its forms do. Every form answers with a redirect, so that reloading sends nothing again.
struct VisitorRoutes {
    let store: Store
    let statistics: Storage

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
        routes.post("login", use: self.logIn)
        routes.post("logout", use: self.logOut)
        return routes
    }

    @Sendable private func home(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let visitor = try await updateSession(context.event, as: Visitor.self) { visitor in
            visitor.visits += 1
            return visitor
        }
        let views = try await self.statistics.incrementItem("views")
        return HomePage(visitor: visitor, views: views, store: self.store).html.response()
    }

    @Sendable private func setNote(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: NoteForm.self, context: context)
        return try await self.change(context) { visitor throws(Visitor.Refusal) in
            try visitor.setNote(form.name, form.value)
        }
    }

    @Sendable private func removeNote(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: NameForm.self, context: context)
        return try await self.change(context) { visitor in visitor.removeNote(form.name) }
    }

    @Sendable private func logIn(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let form = try await request.decode(as: NameForm.self, context: context)
        // A new ID before the new rights: one that somebody planted before the login is worth nothing now.
        try await regenerateSession(context.event)
        return try await self.change(context) { visitor throws(Visitor.Refusal) in try visitor.logIn(form.name) }
    }

    @Sendable private func logOut(_ request: Request, context: PlaygroundContext) async throws -> Response {
        try await destroySession(context.event)
        return .redirect(to: "/")
    }

    private func change(
        _ context: PlaygroundContext,
        _ body: (inout Visitor) throws(Visitor.Refusal) -> Void
    ) async throws -> Response {
        do {
            try await updateSession(context.event, as: Visitor.self, body)
            return .redirect(to: "/")
        } catch let refusal as Visitor.Refusal {
            throw HTTPError(.badRequest, message: refusal.message)
        }
    }
}
