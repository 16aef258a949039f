import Foundation
import Testing

/// The playground as a visitor meets it: the built program, in a real browser.
@Suite(.timeLimit(.minutes(2)))
struct BrowserTests {
    /// What the element shows as soon as it shows it: finding it waits.
    private static func visits(_ count: Int) -> String { "//output[@id='visits'][.='\(count)']" }

    private static let loggedOut = "//*[@class='badge'][.='Not logged in']"

    @Test func theSessionLivesThroughAVisit() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "playground-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = "sqlite:\(folder.path)/playground.db"
        try await Chromedriver.run { driver in
            try await self.visit(store: store, Browser(driver, arguments: ["--window-size=1100,1250"]))
        }
    }

    private func visit(store: String, _ browser: Browser) async throws {
        // The first visit, a click, a reload.
        var server = try self.startPlayground(port: "0", store: store)
        let url = try await server.word(after: "Playground: ")
        try await browser.open(url)
        _ = try await browser.text(Self.visits(1))
        try await browser.click("//a[@id='again']")
        _ = try await browser.text(Self.visits(2))
        try await browser.reload()
        _ = try await browser.text(Self.visits(3))
        #expect(try await browser.title() == "KVStorage playground")

        // Data of the visitor's own, shown as it was written.
        let hostile = #"<b>orange</b><script>document.title = "gone"</script>"#
        try await browser.type("colour", into: "//form[@id='note-form']//input[@name='name']")
        try await browser.type(hostile, into: "//form[@id='note-form']//input[@name='value']")
        try await browser.click("//form[@id='note-form']//button")
        #expect(try await browser.text("//li[.//b='colour']//span") == hostile)
        #expect(try await browser.title() == "KVStorage playground")
        _ = try await browser.text(Self.visits(4))

        // The server goes and comes back; nothing is lost.
        #expect(await server.stop() == 0)
        server = try self.startPlayground(port: String(url.split(separator: ":").last ?? "0"), store: store)
        _ = try await server.word(after: "Playground: ")
        try await browser.reload()
        _ = try await browser.text(Self.visits(5))
        #expect(try await browser.text("//li[.//b='colour']//span") == hostile)

        // Logging in changes the cookie and nothing else; no script can see it.
        let visitorsCookies = try await browser.cookies()
        try await browser.type("Ada", into: "//form[@id='login-form']//input")
        try await browser.click("//form[@id='login-form']//button")
        #expect(try await browser.text("//*[@id='user']") == "Ada")
        _ = try await browser.text(Self.visits(6))
        let adasCookies = try await browser.cookies()
        #expect(adasCookies.count == 1)
        #expect(adasCookies.keys == visitorsCookies.keys)
        #expect(adasCookies != visitorsCookies)
        #expect(try await browser.scriptCookies() == "")
        try await self.keepPicture(of: browser)

        // Logging out ends the session with all it held.
        try await browser.click("//form[@id='logout-form']//button")
        _ = try await browser.text(Self.loggedOut)
        _ = try await browser.text(Self.visits(1))
        _ = try await browser.text("//p[@class='empty']")

        #expect(await server.stop() == 0)
    }

    /// Starts the program that was built with this test.
    private func startPlayground(port: String, store: String) throws -> ServerProcess {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        return try ServerProcess(
            products.appending(path: "Playground").path,
            environment: ["PORT": port, "STORE": store, "SESSION_SECRET": ""]
        )
    }

    /// Leaves a picture of the page in the file that `SCREENSHOT` names, for whoever wants to look at it.
    private func keepPicture(of browser: Browser) async throws {
        guard let path = ProcessInfo.processInfo.environment["SCREENSHOT"] else { return }
        try await browser.screenshot().write(to: URL(filePath: path))
    }
}
