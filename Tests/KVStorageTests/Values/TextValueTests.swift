import Foundation
import KVStorage
import Testing

@Suite struct TextValueTests {
    private enum Status: String, Codable, Sendable { case active, off = "switched off" }

    private let storage = Storage()

    @Test(arguments: [
        "hello", "", "12", "null", "\"null\"", " null ", "true", "{\"a\":1}", "\"x\"", "\u{0}", "caf\u{E9}", "\"\\\"\"",
    ])
    func anOptionalStringIsReadAsItWasSet(_ text: String) async throws {
        let optionals = self.storage.typed(String?.self)
        try await optionals.setItem("k", .some(.some(text)))
        let read = try await optionals.getItem("k")
        #expect(read.map { $0.map { Array($0.utf8) } } == .some(.some(Array(text.utf8))))
        let nested = self.storage.typed(String??.self)
        try await nested.setItem("n", .some(.some(.some(text))))
        #expect(try await nested.getItem("n") == .some(.some(.some(text))))
        // What a plain string stores is read by an optional one, and the other way round where it is not ambiguous.
        if !["null", "\"null\"", " null ", "\"x\"", "\"\\\"\""].contains(text) {
            #expect(try await self.storage.getItem("k") == text)
            try await self.storage.setItem("plain", text)
            #expect(try await optionals.getItem("plain") == .some(.some(text)))
        }
    }

    @Test func anOptionalCanBeUpdatedAgainAndAgain() async throws {
        for _ in 0..<3 { try await self.storage.updateItem("u", default: nil as String?) { $0 = ($0 ?? "") + "x" } }
        #expect(try await self.storage.getItem("u") == "xxx")
        try await self.storage.updateItem("u", default: nil as String?) { $0 = nil }
        #expect(try await self.storage.typed(String?.self).getItem("u") == .some(.none))
        try await self.storage.typed(Int?.self).setItem("n", .some(.some(5)))
        #expect(try await self.storage.getItem("n") == 5)
        try await self.storage.typed(StorageValue?.self).setItem("v", .some(.some("text")))
        #expect(try await self.storage.typed(StorageValue?.self).getItem("v") == .some(.some("text")))
        #expect(try await self.storage.getItem("v") == "text")
    }

    @Test func bareTextIsReadAsWhatDecodesFromAString() async throws {
        let id = UUID()
        try await self.storage.setItem("status", "active")
        try await self.storage.setItem("off", "switched off")
        try await self.storage.setItem("id", id.uuidString)
        try await self.storage.setItem("url", "https://example.org/a?b=c")
        try await self.storage.setItem("date", "2026-01-02T03:04:05Z")
        #expect(try await self.storage.getItem("status", as: Status.self) == .active)
        #expect(try await self.storage.getItem("off", as: Status?.self) == .some(.off))
        #expect(try await self.storage.getItem("id", as: UUID.self) == id)
        #expect(try await self.storage.getItem("url", as: URL.self) == URL(string: "https://example.org/a?b=c"))
        #expect(try await self.storage.getItem("date", as: Date.self) == Date(timeIntervalSince1970: 1_767_323_045))
        try await self.storage.setItem("quoted", Status.off)
        #expect(try await self.storage.getItem("quoted", as: Status.self) == .off)
    }

    @Test func whatIsSomethingElseStaysAnError() async throws {
        try await self.storage.setItem("text", "nobody")
        try await self.storage.setItem("json", "{\"a\":1}")
        try await self.storage.setItemRaw("bytes", [0xFF, 0xFE])
        for key in ["text", "json", "bytes"] {
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await self.storage.getItem(key, as: Status.self) },
                { _ = try await self.storage.getItem(key, as: UUID.self) },
                { _ = try await self.storage.getItem(key, as: Int.self) },
                { _ = try await self.storage.getItem(key, as: [String].self) },
            ]
            for call in calls {
                let error = await #expect(throws: StorageError.self) { try await call() }
                #expect(error?.code == .decoding)
                #expect(error?.underlying is DecodingError)
            }
        }
        let error = await #expect(throws: StorageError.self) { try await self.storage.getItem("json", as: URL.self) }
        #expect(error?.code == .decoding, "JSON of another shape is no text")
    }
}
