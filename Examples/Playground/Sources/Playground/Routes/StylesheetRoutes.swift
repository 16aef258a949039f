import HTTPTypes
import Hummingbird

/// The stylesheet, which is part of the program.
struct StylesheetRoutes {
    private let body = ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.style_css))

    var routes: RouteCollection<PlaygroundContext> {
        let routes = RouteCollection(context: PlaygroundContext.self)
        routes.get("style.css") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/css; charset=utf-8", .cacheControl: "no-cache"],
                body: self.body
            )
        }
        return routes
    }
}
