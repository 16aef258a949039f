import KVStorage
import Testing

@testable import KVStorageRedis

/// Whose word on who serves what is taken, how often it is asked for, and where items may have gone meanwhile.
@Suite("Redis cluster topology, without servers")
struct RedisTopologyTests {
    private static func topology(
        _ last: Int64 = 16_383, state: String = "ok", epoch: Int? = nil
    ) throws -> Topology {
        let node = Reply.array([.bytes(Array("one".utf8)), .integer(1), .bytes([])])
        var topology = try Topology(
            .array([.array([.integer(0), .integer(last), node])]), asked: .host("asked", port: 7000))
        let line = epoch.map { "cluster_current_epoch:\($0)\r\n" } ?? ""
        topology.note(info: "cluster_state:\(state)\r\ncluster_slots_ok:1\r\n\(line)")
        return topology
    }

    @Test("an answer counts by itself only from a node that serves, with all slots, and no older than what is known")
    func trust() throws {
        #expect(try Self.topology().isTrustworthy(after: nil))
        #expect(try Self.topology(epoch: 5).isTrustworthy(after: 5))
        #expect(try Self.topology().isTrustworthy(after: 5), "a node that does not tell")
        #expect(try !Self.topology(epoch: 4).isTrustworthy(after: 5))
        #expect(try !Self.topology(16_382, epoch: 5).isTrustworthy(after: 5))
        #expect(try !Self.topology(state: "fail", epoch: 5).isTrustworthy(after: 5), "a minority")
        // Of several: who serves, then who knows more, then who names more.
        let minority = try Self.topology(state: "fail", epoch: 9)
        let old = try Self.topology(epoch: 4)
        let partial = try Self.topology(100, epoch: 5)
        let whole = try Self.topology(epoch: 5)
        #expect(old.isBetter(than: minority) && !minority.isBetter(than: old))
        #expect(partial.isBetter(than: old) && whole.isBetter(than: partial))
    }

    @Test("asking takes its time when nothing comes of it")
    func pace() {
        var pace = RefreshPace()
        func time(_ milliseconds: Int64) -> Instant { ConnectionBench.time(milliseconds) }
        #expect(pace.pause(time(0)) == .zero)
        pace.ended(time(0), hasChanged: false)
        #expect(pace.pause(time(30)) == .milliseconds(70))
        #expect(pace.pause(time(100)) == .zero)
        pace.ended(time(100), hasChanged: false)
        #expect(pace.pause(time(100)) == .milliseconds(200))
        for _ in 0..<10 { pace.ended(time(100), hasChanged: false) }
        #expect(pace.pause(time(100)) == .seconds(2))
        pace.ended(time(100), hasChanged: true)
        #expect(pace.pause(time(100)) == .milliseconds(100))
        for _ in 0..<10 { pace.ended(time(100), hasChanged: false) }
        #expect(pace.pause(time(10_000)) == .zero)
        pace.ended(time(10_000), hasChanged: false)
        #expect(pace.pause(time(10_000)) == .milliseconds(100), "it was quiet for a while")
    }

    private static let a = Endpoint.host("10.0.0.1", port: 1)
    private static let b = Endpoint.host("10.0.0.2", port: 2)
    private static let c = Endpoint.host("10.0.0.3", port: 3)

    /// What a node says; `slots` are words as in `CLUSTER NODES`.
    private static func line(_ name: String, _ place: Int, _ slots: String, _ flags: String = "master") -> String {
        "\(name) 10.0.0.\(place):\(place)@1000\(place) \(flags) - 0 0 1 connected \(slots)\n"
    }

    private static func holders(_ slotsOfA: String, _ slotsOfB: String, _ slotsOfC: String) -> SlotHolders {
        SlotHolders([
            (Self.a, Self.line("a", 1, slotsOfA, "myself,master") + Self.line("b", 2, "0-3") + Self.line("c", 3, "")),
            (Self.b, Self.line("a", 1, "0-9") + Self.line("b", 2, slotsOfB, "myself,master")),
            (Self.c, Self.line("a", 1, "0-9") + Self.line("c", 3, slotsOfC, "myself,master")),
        ])
    }

    @Test("what CLUSTER NODES tells of slots and of those on their way")
    func nodes() {
        let text = """
            aa 127.0.0.1:7001@17001,name-a,shard-id=1 myself,master - 0 0 1 connected 0-99 200 [93-<-bb] [77->-bb]
            bb 127.0.0.2:7002@17002,name-b slave,fail aa 0 0 1 connected
            cc :0@0 master,noaddr - 0 0 1 disconnected 300-301
            nonsense

            """
        let nodes = ClusterNode.nodes(in: text, asked: .host("127.0.0.1", port: 7001))
        #expect(nodes.map(\.identifier) == ["aa", "bb", "cc"])
        #expect(nodes.map(\.isMyself) == [true, false, false] && nodes.map(\.isMaster) == [true, false, false])
        #expect(nodes.map(\.place) == [.host("127.0.0.1", port: 7001), .host("127.0.0.2", port: 7002), nil])
        #expect(nodes[0].owned == SlotSet([Int](0...99) + [200]))
        #expect(nodes[0].arriving == [93] && nodes[0].leaving.map(\.slot) == [77] && nodes[0].leaving[0].target == "bb")
        let named = ClusterNode.nodes(in: text, asked: .host("name-a", port: 7001))
        #expect(named.map(\.place)[..<2] == [.host("name-a", port: 7001), .host("name-b", port: 7002)])
    }

    @Test("nodes to which items may have come are gone over once more, and no other")
    func gains() {
        let quiet = Self.holders("4-9", "0-3", "")
        #expect(quiet.owned == [Self.a: SlotSet(4...9), Self.b: SlotSet(0...3)])
        #expect(quiet.gains(since: quiet, among: nil, visited: [:]).isEmpty)
        // Open at the end, at the beginning, and all the time.
        let open = Self.holders("4-9 [5->-b]", "0-3 [5-<-a]", "")
        let five = SlotSet([5])
        #expect(open.arriving == [Self.b: five])
        #expect(open.gains(since: quiet, among: nil, visited: [:]) == [Self.b: five])
        #expect(open.gains(since: open, among: nil, visited: [:]) == [Self.b: five])
        let moved = Self.holders("4 6-9", "0-3 5", "")
        #expect(moved.gains(since: quiet, among: nil, visited: [:]) == [Self.b: five])
        #expect(moved.gains(since: open, among: nil, visited: [:]) == [Self.b: five])
        // Given up: to be found at either.
        #expect(quiet.gains(since: open, among: nil, visited: [:]) == [Self.a: five, Self.b: five])
        // Only the source tells, and the target has no slot yet.
        let fresh = Self.holders("4-9 [5->-c]", "0-3", "")
        #expect(fresh.gains(since: quiet, among: nil, visited: [:]) == [Self.c: five])
        // Once gone over, a slot that is still on its way there needs no more, but one that goes on does.
        #expect(open.gains(since: open, among: five, visited: [Self.b: five]).isEmpty)
        #expect(moved.gains(since: open, among: five, visited: [Self.b: five]).isEmpty)
        let further = Self.holders("4 6-9", "0-3 5 [5->-c]", "[5-<-b]")
        #expect(further.gains(since: moved, among: five, visited: [Self.b: five]) == [Self.c: five])
        // Another slot was found where it was.
        let other = Self.holders("6-9 [6->-b]", "0-3 5 4", "")
        #expect(other.gains(since: moved, among: five, visited: [Self.b: five]).isEmpty)
    }
}
