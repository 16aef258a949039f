import KVStorage
import Testing

@testable import KVStorageRedis

/// What is decided about a cluster without one.
@Suite("Redis cluster, without servers")
struct RedisClusterPartsTests {
    private static let asked = Endpoint.host("asked", port: 7000)

    private func slot(_ name: String) -> Int {
        Array(name.utf8).withUnsafeBytes { Slot.slot(of: $0) }
    }

    @Test("slots are those of the specification")
    func slots() {
        #expect(Slot.checksum("123456789".utf8) == 0x31C3)
        #expect(self.slot("foo") == 12182)
        #expect(self.slot("") == 0)
        #expect(self.slot("{user1000}.following") == self.slot("user1000"))
        #expect(self.slot("foo{}{bar}") != self.slot("bar"))
        #expect(self.slot("foo{{bar}}zap") == self.slot("{bar"))
        #expect(self.slot("foo{bar}{zap}") == self.slot("bar"))
        for slot in [0, 1, 8191, 16383] {
            #expect(Slot.tag(for: slot).withUnsafeBytes { Slot.slot(of: $0) } == slot)
        }
    }

    @Test("metadata has its item's slot and a name that is no other's", arguments: ["", "app:", "{app}:", "a{b}c"])
    func metadata(prefix: String) {
        let keys = Keys(prefix: prefix, isCluster: true)
        var names: Set<[UInt8]> = []
        let parts = ["a", "b", "{", "}", "{a}", "$a", "a$b"]
        let texts = parts + parts.flatMap { first in parts.flatMap { [first + $0, first + $0 + first] } }
        for text in Set(texts) {
            var writer = CommandWriter()
            keys.write(text, to: &writer)
            let item = self.word(writer)
            writer = CommandWriter()
            keys.writeMeta(text, to: &writer)
            let meta = self.word(writer)
            #expect(names.insert(item).inserted && names.insert(meta).inserted, "\(text)")
            #expect(item.withUnsafeBytes { Slot.slot(of: $0) } == keys.slot(of: text))
            #expect(meta.withUnsafeBytes { Slot.slot(of: $0) } == keys.slot(of: text), "\(text)")
            #expect(keys.meaning(of: item) == .item(text))
            #expect(keys.meaning(of: meta) == .metadata(text), "\(text)")
        }
    }

    /// The only word that was written.
    private func word(_ writer: CommandWriter) -> [UInt8] {
        let start = writer.bytes.firstIndex(of: 10).map { $0 + 1 } ?? 0
        return Array(writer.bytes[start...].dropLast(2))
    }

    private static func node(_ host: String?, _ port: Int64) -> Reply {
        .array([host.map { .bytes(Array($0.utf8)) } ?? .null, .integer(port), .bytes([])])
    }

    @Test("the answer to CLUSTER SLOTS tells who has what")
    func topology() throws {
        let reply = Reply.array([
            .array([.integer(0), .integer(99), Self.node("one", 1), Self.node("two", 2)]),
            .array([.integer(100), .integer(199), Self.node(nil, 3)]),
            .array([.integer(300), .integer(300), Self.node("one", 1)]),
        ])
        var topology = try Topology(reply, asked: Self.asked)
        #expect(topology.master(of: 0) == .host("one", port: 1) && topology.master(of: 300) == .host("one", port: 1))
        #expect(topology.master(of: 150) == .host("asked", port: 3), "a node that does not know its address")
        #expect(topology.master(of: 200) == nil && topology.master(of: 16383) == nil)
        #expect(topology.masters.count == 2)
        #expect(topology.nodes.contains(.host("two", port: 2)))
        let before = topology
        #expect(topology.hasSameOwners(as: before))
        topology.move(5, to: .host("new", port: 4))
        #expect(topology.master(of: 5) == .host("new", port: 4))
        #expect(!topology.hasSameOwners(as: before))
        topology.move(5, to: .host("one", port: 1))
        #expect(topology.hasSameOwners(as: before), "another list of masters is no difference")
    }

    @Test(
        "an answer that makes no sense throws",
        arguments: [
            .ok, .array([.ok]), .array([.array([.integer(0), .integer(99)])]),
            .array([.array([.integer(5), .integer(4), node("one", 1)])]),
            .array([.array([.integer(0), .integer(16_384), node("one", 1)])]),
            .array([.array([.integer(-1), .integer(1), node("one", 1)])]),
        ] as [Reply]
    )
    func nonsense(_ reply: Reply) {
        let error = #expect(throws: StorageError.self) { try Topology(reply, asked: Self.asked) }
        #expect(error?.code == .incompatibleFormat)
    }

    @Test("redirections are told from errors for the caller")
    func redirections() {
        func redirection(_ text: String) -> Redirection? {
            Redirection(RedisServerError(text.utf8), from: Self.asked)
        }
        #expect(redirection("MOVED 3999 127.0.0.1:6381") == .moved(slot: 3999, .host("127.0.0.1", port: 6381)))
        #expect(redirection("MOVED 3999 ::1:6381") == .moved(slot: 3999, .host("::1", port: 6381)))
        #expect(redirection("MOVED 3999 :6381") == .moved(slot: 3999, .host("asked", port: 6381)))
        #expect(redirection("ASK 1 host:1") == .ask(.host("host", port: 1)))
        #expect(redirection("TRYAGAIN Multiple keys request during rehashing of slot") == .later)
        #expect(redirection("CLUSTERDOWN The cluster is down") == .later)
        for text in ["MOVED", "MOVED x y:1", "MOVED 99999 y:1", "ASK 1 host", "ERR no", "WRONGTYPE no", "CROSSSLOT no"]
        {
            #expect(redirection(text) == nil, "\(text)")
        }
    }

    @Test("commands that were written together are told apart")
    func splitting() {
        var writer = CommandWriter()
        #expect(writer.commands.isEmpty)
        writer.encoded("*1\r\n$5\r\nMULTI\r\n")
        writer.begin(2)
        writer.word([13, 10, 36, 49])
        writer.word([UInt8](repeating: 42, count: 1000))
        let second = writer.bytes.dropFirst(15)
        writer.encoded("*1\r\n$4\r\nEXEC\r\n")
        #expect(
            writer.commands.map { Array($0) } == [
                Array("*1\r\n$5\r\nMULTI\r\n".utf8), Array(second), Array("*1\r\n$4\r\nEXEC\r\n".utf8),
            ])
    }
}
