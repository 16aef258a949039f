import Hummingbird
import KVStorageHummingbird
import NIOCore
import ServiceLifecycle
import Sessions

/// Streams that end with the session: on this machine or on another one, by a logout, a revocation or its limits.
struct StreamRoutes {
    var routes: RouteCollection<PlaygroundContext> {
        let routes = RouteCollection(context: PlaygroundContext.self)
        routes.get("events", use: self.events)
        routes.get("clock", use: self.clock)
        return routes
    }

    /// Server-sent events: how the session ended, once it has. The page shows it without being asked.
    @Sendable private func events(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let event = try context.event
        // One that had ended before the stream was opened is told of as well.
        return Self.stream("text/event-stream") { messages in
            let pings = Task {
                await Self.everySecond { count in
                    // Whoever has gone is noticed by writing.
                    if count % 15 == 0 { messages.yield(": still here\n\n") }
                }
            }
            defer { pings.cancel() }
            for await end in try await sessionEnd(event) { messages.yield("event: end\ndata: \(end)\n\n") }
        }
    }

    /// A line each second, as a socket would send messages, until the session ends.
    @Sendable private func clock(_ request: Request, context: PlaygroundContext) async throws -> Response {
        let event = try context.event
        guard try await sessionInfo(event) != nil else {
            throw HTTPError(.unauthorized, message: "There is no session.")
        }
        return Self.stream("text/plain; charset=utf-8") { messages in
            do {
                try await withSession(event) {
                    await Self.everySecond { messages.yield("\($0)\n") }
                }
            } catch let error as SessionError where error.code == .gone {
                messages.yield("The session is over.\n")
            }
        }
    }

    /// Calls the body each second until the task is cancelled.
    private static func everySecond(_ body: @Sendable (Int) -> Void) async {
        var count = 0
        while !Task.isCancelled {
            body(count)
            count += 1
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
    }

    /// A response that goes on until the producer is done, the client has gone or the server is shut down.
    private static func stream(
        _ type: String,
        _ produce: @escaping @Sendable (AsyncStream<String>.Continuation) async throws -> Void
    ) -> Response {
        let body = ResponseBody { writer in
            let (messages, continuation) = AsyncStream<String>.makeStream()
            let producer = Task {
                defer { continuation.finish() }
                try await produce(continuation)
            }
            defer { producer.cancel() }
            try await withGracefulShutdownHandler {
                for await message in messages { try await writer.write(ByteBuffer(string: message)) }
            } onGracefulShutdown: {
                continuation.finish()
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: type, .cacheControl: "no-store"], body: body)
    }
}
