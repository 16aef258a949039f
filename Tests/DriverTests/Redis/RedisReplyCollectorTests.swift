import Testing

@testable import KVStorageRedis

@Suite("Redis: replies to one command, or to several sent as one")
struct RedisReplyCollectorTests {
    private static let error = Reply.error(RedisServerError("ERR first".utf8))
    private static let other = Reply.error(RedisServerError("ERR second".utf8))

    @Test("a lone reply is the outcome, whatever it is", arguments: [.ok, .null, .bytes([1]), Self.error])
    func lone(reply: Reply) {
        var collector = ReplyCollector(1, collects: false)
        #expect(collector.add(reply) == reply)
    }

    @Test("of several the last is the outcome, or the first that is an error")
    func several() {
        var plain = ReplyCollector(3, collects: false)
        #expect(plain.add(.null) == nil)
        #expect(plain.add(.integer(1)) == nil)
        #expect(plain.add(.ok) == .ok)

        var refused = ReplyCollector(3, collects: false)
        #expect(refused.add(Self.error) == nil)
        #expect(refused.add(Self.other) == nil)
        #expect(refused.add(.ok) == Self.error)

        var last = ReplyCollector(2, collects: false)
        #expect(last.add(.ok) == nil)
        #expect(last.add(Self.error) == Self.error)
    }

    @Test("collected, all of them are the outcome in their order, errors too")
    func collected() {
        var collector = ReplyCollector(3, collects: true)
        #expect(collector.add(.ok) == nil)
        #expect(collector.add(Self.error) == nil)
        #expect(collector.add(.null) == .array([.ok, Self.error, .null]))

        var lone = ReplyCollector(1, collects: true)
        #expect(lone.add(.ok) == .array([.ok]))
    }

    @Test("asked for again, what came before is forgotten")
    func startOver() {
        for collects in [false, true] {
            var collector = ReplyCollector(2, collects: collects)
            #expect(collector.add(Self.error) == nil)
            collector.startOver()
            #expect(collector.add(.integer(1)) == nil)
            #expect(collector.add(.integer(2)) == (collects ? .array([.integer(1), .integer(2)]) : .integer(2)))
        }
    }
}
