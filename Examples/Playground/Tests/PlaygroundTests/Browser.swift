import Foundation
import NIOHTTP1

/// A headless Chromium with a profile of its own, driven through ``Chromedriver`` (W3C WebDriver: HTTP and JSON).
///
/// Elements are named by XPath. Every look-up waits until the element is there, at most ten seconds: there is no other
/// waiting.
struct Browser: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Response<Value: Decodable>: Decodable {
        var value: Value
    }

    private struct Problem: Decodable {
        var error: String
        var message: String
    }

    private struct Session: Decodable {
        var sessionId: String
    }

    private struct Nothing: Codable {}

    private struct Script: Encodable {
        var script: String
        var args: [String] = []
    }

    /// What a script came to.
    private struct Outcome<Value: Decodable>: Decodable {
        var value: Value?
        var error: String?
    }

    private static let elementKey = "element-6066-11e4-a52e-4f735466cecf"

    private let driver: Chromedriver
    private var session = ""

    /// Opens a browser.
    init(_ driver: Chromedriver, arguments: [String] = []) async throws {
        self.driver = driver
        let options = [
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] + arguments
        ]
        let body = ["capabilities": ["alwaysMatch": ["goog:chromeOptions": options]]]
        let session: Session = try await self.send(.POST, "session", body)
        self.session = "session/\(session.sessionId)"
        let _: Nothing? = try await self.send(
            .POST, "\(self.session)/timeouts", ["implicit": 10_000, "pageLoad": 30_000])
    }

    /// Goes to the address and waits for the page.
    func open(_ url: String) async throws {
        let _: Nothing? = try await self.send(.POST, "\(self.session)/url", ["url": url])
    }

    /// Opens another tab of this browser and goes there; returns where it was before.
    func openTab() async throws -> String {
        let before: String = try await self.send(.GET, "\(self.session)/window")
        let tab: [String: String] = try await self.send(.POST, "\(self.session)/window/new", ["type": "tab"])
        try await self.goToTab(tab["handle"] ?? "")
        return before
    }

    func goToTab(_ handle: String) async throws {
        let _: Nothing? = try await self.send(.POST, "\(self.session)/window", ["handle": handle])
    }

    func reload() async throws {
        let _: Nothing? = try await self.send(.POST, "\(self.session)/refresh", Nothing())
    }

    /// Clicks the element; a click that leads to another page waits for it.
    func click(_ path: String) async throws {
        let _: Nothing? = try await self.with(path) { try await self.send(.POST, "\($0)/click", Nothing()) }
    }

    func type(_ text: String, into path: String) async throws {
        let _: Nothing? = try await self.with(path) { try await self.send(.POST, "\($0)/value", ["text": text]) }
    }

    /// Empties the field and types the text into it.
    func replaceText(of path: String, with text: String) async throws {
        let element = try await self.element(path)
        let _: Nothing? = try await self.send(.POST, "\(element)/clear", Nothing())
        let _: Nothing? = try await self.send(.POST, "\(element)/value", ["text": text])
    }

    /// Waits for the element and returns the text that it shows.
    func text(_ path: String) async throws -> String {
        try await self.with(path) { try await self.send(.GET, "\($0)/text") }
    }

    func title() async throws -> String {
        try await self.send(.GET, "\(self.session)/title")
    }

    /// The values of the page's cookies by name.
    func cookies() async throws -> [String: String] {
        struct Cookie: Decodable {
            var name: String
            var value: String
        }
        let cookies: [Cookie] = try await self.send(.GET, "\(self.session)/cookie")
        return Dictionary(cookies.map { ($0.name, $0.value) }) { $1 }
    }

    /// What a script on the page can see of the cookies.
    func scriptCookies() async throws -> String {
        try await self.run("return document.cookie")
    }

    /// Runs an async function with this body on the page and returns what it returns.
    func run<Value: Decodable>(_ body: String, as: Value.Type = Value.self) async throws -> Value {
        let script = """
            const done = arguments[0];
            (async () => { \(body) })().then(
              (value) => done(JSON.stringify({ value })),
              (error) => done(JSON.stringify({ error: String(error?.stack ?? error) })),
            );
            """
        let json: String = try await self.send(.POST, "\(self.session)/execute/async", Script(script: script))
        let outcome = try JSONDecoder().decode(Outcome<Value>.self, from: Data(json.utf8))
        guard let value = outcome.value else { throw Failure(description: outcome.error ?? "the script gave nothing") }
        return value
    }

    /// A picture of the window, as PNG.
    func screenshot() async throws -> Data {
        let text: String = try await self.send(.GET, "\(self.session)/screenshot")
        guard let data = Data(base64Encoded: text) else { throw Failure(description: "the picture is not base64") }
        return data
    }

    /// Does something with an element; looks for it again if the page was another one by then.
    private func with<Value>(_ path: String, _ body: (_ element: String) async throws -> Value) async throws -> Value {
        for _ in 0..<20 {
            let element = try await self.element(path)
            do {
                return try await body(element)
            } catch let failure as Failure where failure.description.contains("stale element reference") {
                continue
            }
        }
        throw Failure(description: "the page kept changing under \(path)")
    }

    private func element(_ path: String) async throws -> String {
        let query = ["using": "xpath", "value": path]
        let element: [String: String] = try await self.send(.POST, "\(self.session)/element", query)
        guard let id = element[Self.elementKey] else { throw Failure(description: "no element \(path)") }
        return "\(self.session)/element/\(id)"
    }

    private func send<Value: Decodable>(
        _ method: HTTPMethod,
        _ path: String,
        _ body: (any Encodable)? = nil
    ) async throws -> Value {
        let data = try await self.driver.send(method, path, try body.map { try JSONEncoder().encode($0) } ?? Data())
        if let problem = try? JSONDecoder().decode(Response<Problem>.self, from: data).value {
            throw Failure(description: "\(method) \(path): \(problem.error): \(problem.message)")
        }
        return try JSONDecoder().decode(Response<Value>.self, from: data).value
    }
}
