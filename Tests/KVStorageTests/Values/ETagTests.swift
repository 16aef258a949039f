import KVStorage
import Testing

@Suite("Values: etags, descriptions, decoding messages")
struct ETagTests {
    // The vectors of FIPS 180-4's examples, cut to 128 bits.
    @Test(arguments: Self.digests)
    func digest(text: String, expected: String) {
        let etag = ETag(of: Array(text.utf8))
        #expect(etag.description == expected)
        #expect(ETag(expected) == etag)
    }

    private static let digests: [(String, String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb924"), ("abc", "ba7816bf8f01cfea414140de5dae2223"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039"),
        (Self.letters(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67"),
        (Self.letters(55), "9f4390f8d30c2dd92ec9f095b65e2b9a"),
        (Self.letters(56), "b35439a4ac6f0948b6d6f9e3c6af0f5f"),
        (Self.letters(64), "ffe054fe7ae0cb6dc65c3af9b61d5209"),
    ]

    private static func letters(_ count: Int) -> String { String(repeating: "a", count: count) }

    @Test(arguments: ["", "E3B0C44298FC1C149AFBF4C8996FB924", "e3b0", "gggggggggggggggggggggggggggggggg", "\"e3\""])
    func readsItsOwnTextOnly(text: String) {
        #expect(ETag(text) == nil)
    }

    @Test(arguments: Self.times)
    func timestamps(milliseconds: Int64, expected: String) {
        #expect("\(Timestamp(milliseconds: milliseconds))" == expected)
    }

    private static let times: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400_123, "2000-02-29T00:00:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (Int64.max, "9223372036854775807 ms"),
    ]

    private struct User: Codable, Sendable {
        struct Address: Codable { var street: String }
        var name: String
        var addresses: [Address]
    }

    private static let mismatches: [(String, String)] = [
        (#"{"addresses":[]}"#, "\"name\" is missing"),
        (#"{"name":"Ada","addresses":[{"street":"secret"},{"street":7}]}"#, "\"addresses[1].street\" is no String"),
        (#"{"name":null,"addresses":[]}"#, "\"name\" is null instead of a String"),
        (#"[1]"#, "the value is no"), (#"{"#, "the bytes are something else"),
    ]

    @Test(
        "A decoding error names the path and what is wrong there, and nothing of the value", arguments: Self.mismatches)
    func decoding(json: String, reason: String) async throws {
        let storage = Storage()
        try await storage.setItemRaw("u", Array(json.utf8))
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("u", as: User.self) }
        #expect(error?.code == .decoding)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("secret") == false)
    }

    @Test func describes() async throws {
        let storage = Storage()
        try storage.mount("users", .null)
        #expect("\(storage)" == "Storage(the root (memory), users: (null))")
        #expect("\(storage.prefixed("users"))" == "Storage(users: in: the root (memory), users: (null))")
        #expect("\(TTL.keep(orElse: .seconds(5)))" == "keep, else 5.0 seconds")
    }
}
