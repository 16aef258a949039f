import Foundation
import KVStorage
import Testing

/// An error says where and what, and contains nothing of the value.
@Suite("JSON: errors") struct JSONErrorTests {
    private struct User: Codable {
        struct Address: Codable { var street: String }

        var name: String
        var age: UInt8?
        var addresses: [Address]
        var notes: [String: [Int]]?
        var born: Date?
        var site: URL?
        var picture: Data?
        var balance: Decimal?
    }

    private static let cases: [(String, String, String)] = [
        (#"{"addresses":[]}"#, "name", "no such member"),
        (#"{"name":7654,"addresses":[]}"#, "name", "expected a string, found a number"),
        (#"{"name":null,"addresses":[]}"#, "name", "expected a string, found null"),
        (#"{"name":"n","addresses":{"secret":1}}"#, "addresses", "expected an array, found an object"),
        (#"{"name":"n","addresses":[{"street":"s"},"secret"]}"#, "addresses.1", "expected an object, found a string"),
        (
            #"{"name":"n","addresses":[{"street":"s"},{"street":[7654]}]}"#, "addresses.1.street",
            "expected a string, found an array"
        ),
        (#"{"name":"n","addresses":[{"street":"s"},{}]}"#, "addresses.1.street", "no such member"),
        (#"{"name":"n","addresses":[],"age":7654}"#, "age", "the number does not fit UInt8"),
        (#"{"name":"n","addresses":[],"age":true}"#, "age", "expected a number, found a boolean"),
        (
            #"{"name":"n","addresses":[],"notes":{"a":[],"b":[1,2,"secret"]}}"#, "notes.b.2",
            "expected a number, found a string"
        ),
        (#"{"name":"n","addresses":[],"born":"secret"}"#, "born", "no date and time of ISO 8601"),
        (#"{"name":"n","addresses":[],"site":""}"#, "site", "no URL"),
        (#"{"name":"n","addresses":[],"picture":"secret!"}"#, "picture", "no base64"),
        (#"{"name":"n","addresses":[],"balance":7654e200}"#, "balance", "the number does not fit Decimal"),
        (#"{"name":"secret","addresses":[]"#, "", "no JSON: it ends early at byte 31"),
        (#"{"name":"secret" "addresses":[]}"#, "", "no JSON: no comma and no end of an object at byte 17"),
        (#"7654"#, "", "expected an object, found a number"),
    ]

    @Test("The path, what was expected and what was found", arguments: Self.cases)
    func decoding(_ json: String, _ path: String, _ message: String) async throws {
        let error = #expect(throws: DecodingError.self) {
            try JSONStorageCodec().decode(User.self, from: Array(json.utf8))
        }
        let (keys, context): ([any CodingKey], DecodingError.Context)
        switch error {
        case .keyNotFound(let key, let inner)?: (keys, context) = (inner.codingPath + [key], inner)
        case .typeMismatch(_, let inner)?, .valueNotFound(_, let inner)?, .dataCorrupted(let inner)?:
            (keys, context) = (inner.codingPath, inner)
        default:
            Issue.record("\(error as Any)")
            return
        }
        #expect(keys.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".") == path)
        #expect(context.debugDescription.contains(message), "\(context.debugDescription)")
        let isDirect = try? JSONStorageCodec().decode([String: User].self, from: Array(#"{"u":\#(json)}"#.utf8))
        #expect(isDirect == nil)
        for text in ["\(error as Any)", await self.storageMessage(json)] {
            #expect(!text.contains("secret") && !text.contains("7654"), "\(text)")
        }
    }

    private func storageMessage(_ json: String) async -> String {
        let storage = Storage()
        let error = await #expect(throws: StorageError.self) {
            try await storage.setItemRaw("u", Array(json.utf8))
            _ = try await storage.getItem("u", as: User.self)
        }
        #expect(error?.code == .decoding)
        #expect(error?.underlying is DecodingError)
        return error?.message ?? ""
    }

    @Test(arguments: [
        (#"{"name":7,"addresses":[]}"#, #""name" is no String but a number"#),
        (#"{"name":"n","addresses":[],"age":256}"#, #""age" is not valid: the number does not fit UInt8"#),
        (#"{"name":"#, "the bytes are something else: the text is no JSON: it ends early at byte 8"),
    ])
    func storageErrors(_ json: String, _ message: String) async throws {
        let text = await self.storageMessage(json)
        #expect(text.contains(message), "\(text)")
    }

    private struct Broken: Encodable {
        enum Key: String, CodingKey { case values, inner }

        var values: [String: [Double]]

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            #expect(container.codingPath.map(\.intValue) == [0])
            var inner = container.nestedContainer(keyedBy: Key.self, forKey: .inner)
            var list = inner.nestedUnkeyedContainer(forKey: .values)
            #expect(list.codingPath.map(\.stringValue) == ["Index 0", "inner", "values"])
            try list.encode(1)
            try list.encode(self.values)
        }
    }

    @Test func encoding() throws {
        let error = #expect(throws: EncodingError.self) {
            try JSONStorageCodec().encode([Broken(values: ["a": [], "b \"": [1, .nan]])])
        }
        guard case .invalidValue(_, let context)? = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect(
            context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue } == [
                "0", "inner", "values", "1", "b \"", "1",
            ])
        #expect(context.debugDescription.contains("NaN"))
    }
}
