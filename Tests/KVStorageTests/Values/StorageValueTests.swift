import KVStorage
import Testing

@Suite struct StorageValueTests {
    private let storage = Storage()

    @Test(
        arguments: [
            nil, true, false, 0, -1, 1.5, "text", "", [], [:], [1, [2, nil], "x"],
            ["a": ["b": [1.25, false]], "": nil],
            .integer(.max), .integer(.min), .number(1e300), .number(-0.5),
        ] as [StorageValue])
    func comesBack(_ value: StorageValue) async throws {
        try await self.storage.setItem("k", value)
        #expect(try await self.storage.getItem("k") == value)
    }

    @Test(arguments: [
        "12", "1.0", "null", "true", "{}", "[1]", "\"q\"", " 42 ", "{\"a\":1}", "1e3", "NaN", "{bad", "hello", "\\",
        "\"", "\n",
        "base64:AQ==", "-", "0123",
    ])
    func stringsStayStrings(_ text: String) async throws {
        try await self.storage.setItem("k", StorageValue.string(text))
        #expect(try await self.storage.getItem("k") == StorageValue.string(text))
    }

    @Test func textIsStoredBareWhereItCan() async throws {
        try await self.storage.setItem("bare", StorageValue.string("hello"))
        #expect(try await self.storage.getItemRaw("bare") == Array("hello".utf8))
        try await self.storage.setItem("quoted", StorageValue.string("12"))
        #expect(try await self.storage.getItemRaw("quoted") == Array("\"12\"".utf8))
    }

    @Test func anyTextCanBeRead() async throws {
        try await self.storage.setItemRaw("k", Array("not JSON".utf8))
        #expect(try await self.storage.getItem("k") == StorageValue.string("not JSON"))
        try await self.storage.setItemRaw("k", [])
        #expect(try await self.storage.getItem("k") == StorageValue.string(""))
        try await self.storage.setItemRaw("k", [0xFF])
        let error = await #expect(throws: StorageError.self) {
            try await self.storage.getItem("k", as: StorageValue.self)
        }
        #expect(error?.code == .decoding)
    }

    @Test func membersAndElements() {
        let value: StorageValue = ["list": [1, "two"], "flag": true]
        #expect(value["list"]?[1] == "two")
        #expect(value["list"]?[2] == nil)
        #expect(value["list"]?[-1] == nil)
        #expect(value["absent"] == nil)
        #expect(value["flag"]?["x"] == nil)
        #expect(value[0] == nil)
    }
}
