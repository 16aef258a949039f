import HTTPTypes
import Testing

@testable import Playground

@Suite struct SameOriginTests {
    private func isAllowed(_ method: HTTPRequest.Method, _ fields: [String: String]) -> Bool {
        var request = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1:3000", path: "/notes")
        for (name, value) in fields {
            guard let name = HTTPField.Name(name) else { continue }
            request.headerFields[name] = value
        }
        return SameOriginMiddleware.isAllowed(request)
    }

    @Test func ownPagesAndProgramsMayWrite() {
        #expect(self.isAllowed(.post, ["Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:3000"]))
        #expect(self.isAllowed(.post, ["Sec-Fetch-Site": "none"]))
        #expect(self.isAllowed(.post, ["Origin": "http://127.0.0.1:3000"]))
        #expect(self.isAllowed(.post, [:]))
    }

    @Test(arguments: [
        ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": ""],
        ["Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:3000"],
        ["Origin": "http://127.0.0.1:3001"], ["Origin": "http://evil.example"], ["Origin": "null"],
    ])
    func otherSitesMayReadAndNotWrite(_ fields: [String: String]) {
        #expect(!self.isAllowed(.post, fields))
        #expect(!self.isAllowed(.delete, fields))
        #expect(self.isAllowed(.get, fields))
    }
}
