import HTTPTypes
import Hummingbird

/// The stylesheet and the page's script, which are part of the program.
struct AssetRoutes {
    var routes: RouteCollection<PlaygroundContext> {
        let routes = RouteCollection(context: PlaygroundContext.self)
        self.add("style.css", "text/css; charset=utf-8", PackageResources.style_css, to: routes)
        self.add("page.js", "text/javascript; charset=utf-8", PackageResources.page_js, to: routes)
        return routes
    }

    private func add(
        _ name: RouterPath,
        _ type: String,
        _ bytes: [UInt8],
        to routes: RouteCollection<PlaygroundContext>
    ) {
        let body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        let fields: HTTPFields = [.contentType: type, .cacheControl: "no-cache"]
        routes.get(name) { _, _ in Response(status: .ok, headers: fields, body: body) }
    }
}
