import Testing

@testable import KVStorageRedis

@Suite("Redis protocol")
struct RedisProtocolTests {
    private static let stream = Array(
        ("+OK\r\n+PONG\r\n:-42\r\n:9223372036854775807\r\n$-1\r\n$0\r\n\r\n$5\r\na\r\nb\u{0}\r\n*-1\r\n*0\r\n"
            + "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n+OK\r\n-WRONGTYPE no\r\n*1\r\n-ERR unknown command 'x', with args beginning "
            + "with: 'secret'\r\n").utf8
    )

    private static let replies: [Reply] = [
        .ok, .status(Array("PONG".utf8)), .integer(-42), .integer(.max), .null, .bytes([]),
        .bytes(Array("a\r\nb\u{0}".utf8)),
        .null, .array([]), .array([.integer(1), .array([.bytes(Array("x".utf8)), .array([])]), .ok]),
        .error(RedisServerError("WRONGTYPE no".utf8)),
        .array([.error(RedisServerError("ERR unknown command 'x'".utf8))]),
    ]

    @Test("Replies are the same however the bytes are cut", arguments: [1, 2, 3, 7, 64, 100_000])
    func reading(_ size: Int) throws {
        guard var reader = ReplyReader() else { throw ProtocolError(message: "memory is short") }
        var replies: [Reply] = []
        for start in stride(from: 0, to: Self.stream.count, by: size) {
            try Self.stream[start..<min(start + size, Self.stream.count)].withUnsafeBytes {
                try reader.read($0, into: &replies)
            }
        }
        #expect(replies == Self.replies)
    }

    @Test("A large value comes whole")
    func large() throws {
        guard var reader = ReplyReader() else { throw ProtocolError(message: "memory is short") }
        let value = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var replies: [Reply] = []
        try (Array("$\(value.count)\r\n".utf8) + value + Array("\r\n+OK\r\n".utf8)).withUnsafeBytes {
            try reader.read($0, into: &replies)
        }
        #expect(replies == [.bytes(value), .ok])
    }

    @Test(
        "What is not RESP throws",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "*99999999999999999999\r\n", ":1x\r\n", "\u{16}\u{3}\u{1}",
        ]
    )
    func garbage(_ text: String) throws {
        let error = #expect(throws: ProtocolError.self) { try Self.read(Array((text + "\r\n").utf8)) }
        #expect(error?.message.isEmpty == false)
    }

    @Test(
        "RESP3, which is never asked for, is understood or refused, as hiredis's version has it",
        arguments: [
            ("%1\r\n+a\r\n:1\r\n", .array([.status([0x61]), .integer(1)])), ("%0\r\n", .array([])),
            ("~2\r\n:5\r\n%1\r\n:1\r\n#f\r\n", .array([.integer(5), .array([.integer(1), .integer(0)])])),
            (",1.50\r\n", .bytes(Array("1.50".utf8))), (",-inf\r\n", .bytes(Array("-inf".utf8))),
            ("#t\r\n", .integer(1)), ("_\r\n", .null),
            ("(123456789012345678901\r\n", .bytes(Array("123456789012345678901".utf8))),
            ("=8\r\ntxt:text\r\n", .bytes(Array("text".utf8))), ("=4\r\ntxt:\r\n", .bytes([])),
            // Taken for replies, they would be given to callers that wait for others.
            (">1\r\n+x\r\n", nil), ("|1\r\n+a\r\n:1\r\n", nil), ("*1\r\n>1\r\n+x\r\n", nil),
        ] as [(String, Reply?)]
    )
    func newerProtocol(_ text: String, _ reply: Reply?) {
        do {
            let replies = try Self.read(Array((text + "+OK\r\n").utf8))
            #expect(reply != nil && replies == [reply, .ok])
        } catch {
            #expect((error as? ProtocolError)?.message.isEmpty == false)
        }
    }

    @Test("Arrays may be nested as deeply as servers do, not as deeply as it takes to fill a stack")
    func depth() throws {
        var reply = Reply.integer(1)
        for _ in 0..<8 { reply = .array([reply]) }
        #expect(try Self.read(Array((String(repeating: "*1\r\n", count: 8) + ":1\r\n").utf8)) == [reply])
        for count in [9, 1_000_000] {
            let bytes = Array((String(repeating: "*1\r\n", count: count) + ":1\r\n").utf8)
            let error = #expect(throws: ProtocolError.self) { try Self.read(bytes) }
            #expect(error?.message.contains("nested") == true)
        }
    }

    private static func read(_ bytes: [UInt8]) throws -> [Reply] {
        guard var reader = ReplyReader() else { throw ProtocolError(message: "memory is short") }
        var replies: [Reply] = []
        try bytes.withUnsafeBytes { try reader.read($0, into: &replies) }
        return replies
    }

    @Test("Commands are arrays of bulk strings")
    func writing() {
        var writer = CommandWriter()
        writer.begin(12)
        writer.word("SET")
        writer.word("caf\u{E9}" as String)
        writer.word([0, 13, 10])
        writer.word(Array("p:".utf8), "key", ending: UInt8(ascii: "$"))
        for number in [0, 9, 10, -1, Int64.max, Int64.min] { writer.word(number) }
        writer.optionalWord(nil)
        writer.word([UInt8](repeating: 120, count: 12))
        let expected =
            "*12\r\n$3\r\nSET\r\n$5\r\ncaf\u{E9}\r\n$3\r\n\u{0}\r\n\r\n$6\r\np:key$\r\n$1\r\n0\r\n$1\r\n9\r\n$2\r\n10\r\n$2\r\n-1\r\n"
            + "$19\r\n9223372036854775807\r\n$20\r\n-9223372036854775808\r\n$0\r\n\r\n$12\r\nxxxxxxxxxxxx\r\n"
        #expect(writer.bytes == Array(expected.utf8))
    }

    @Test("Scripts go by their SHA-1")
    func digest() {
        #expect(SHA1.hexadecimalDigest(of: []) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(SHA1.hexadecimalDigest(of: Array("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
        #expect(SHA1.hexadecimalDigest(of: Array(long.utf8)) == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(SHA1.hexadecimalDigest(of: million) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
    }

    @Test("Keys are told from neighbours, metadata and what is no key")
    func keys() {
        let keys = Keys(prefix: "app:")
        #expect(keys.item(Array("app:a:b".utf8)) == "a:b")
        #expect(keys.meaning(of: Array("app:a$".utf8)) == .metadata("a"))
        for name in [
            "apple", "app", "app:", "app:$", "app:a::b", "app::a", "app:a/b", "app:a?", "app:a$$", "app:a:", "other:a",
        ] {
            #expect(keys.item(Array(name.utf8)) == nil, "\(name)")
        }
        #expect(keys.item(Array("app:".utf8) + [0xFF]) == nil)
        #expect(keys.item(Array("app:".utf8) + [0]) == nil)
        #expect(Keys(prefix: "").item(Array("a".utf8)) == "a")
        #expect(keys.pattern(base: "a*[b]?\\:") == Array("app:a\\*\\[b\\]\\?\\\\:*".utf8))
    }

    @Test("Waiting for the next attempt grows to a bound, less some chance")
    func backoff() {
        var backoff = Backoff(.milliseconds(20)...(.seconds(2)))
        var generator = SystemRandomNumberGenerator()
        for attempt in 0..<100 {
            let full = min(Duration.milliseconds(20) * (1 << min(attempt, 20)), .seconds(2))
            let delay = backoff.next(using: &generator)
            #expect(delay <= full && delay >= full / 2)
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(20))
    }
}
