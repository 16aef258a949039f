import Foundation

/// The playground as it was built with the tests, with a database of its own, and what of its page the tests look for.
struct RunningPlayground {
    private(set) var server: ServerProcess
    private(set) var url: String
    private let folder: URL

    /// Starts a playground and the driver of browsers, runs the body, and ends both.
    static func run(_ body: (inout RunningPlayground, Chromedriver) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "playground-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Chromedriver.run { driver in
            var playground = try await RunningPlayground(in: folder)
            try await body(&playground, driver)
        }
    }

    private init(in folder: URL) async throws {
        self.folder = folder
        self.server = try Self.start(port: "0", folder)
        self.url = try await self.server.word(after: "Playground: ")
    }

    /// Starts the program again, where it was.
    mutating func restart() async throws {
        self.server = try Self.start(port: String(self.url.split(separator: ":").last ?? "0"), self.folder)
        _ = try await self.server.word(after: "Playground: ")
    }

    /// Opens a browser with a profile of its own, at the page.
    func browser(_ driver: Chromedriver, _ profile: String) async throws -> Browser {
        let arguments = ["--window-size=1100,1650", "--user-data-dir=\(self.folder.path)/\(profile)"]
        let browser = try await Browser(driver, arguments: arguments)
        try await browser.open(self.url)
        return browser
    }

    private static func start(port: String, _ folder: URL) throws -> ServerProcess {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        return try ServerProcess(
            products.appending(path: "Playground").path,
            environment: ["PORT": port, "STORE": "sqlite:\(folder.path)/playground.db", "SESSION_SECRET": ""]
        )
    }
}

/// Elements of the page by XPath: looking for one waits until it is there, and so until it says this.
enum Element {
    static func visits(_ count: Int) -> String { "//output[@id='visits'][.='\(count)']" }

    static let loggedOut = "//*[@class='badge'][.='Not logged in']"

    static func user(_ name: String) -> String { "//*[@id='user'][.='\(name)']" }

    static func notice(_ text: String) -> String { "//*[@id='notice'][.='\(text)']" }

    static let noNotice = "//main[not(.//*[@id='notice'])]"
}

extension Browser {
    /// Waits until the page has the element.
    func wait(for path: String) async throws {
        _ = try await self.text(path)
    }

    func logIn(_ name: String) async throws {
        try await self.type(name, into: "//form[@id='login-form']//input[@name='name']")
        try await self.click("//form[@id='login-form']//button")
        try await self.wait(for: Element.user(name))
    }

    func keep(_ name: String, _ value: String) async throws {
        try await self.type(name, into: "//form[@id='note-form']//input[@name='name']")
        try await self.type(value, into: "//form[@id='note-form']//input[@name='value']")
        try await self.click("//form[@id='note-form']//button")
    }
}
