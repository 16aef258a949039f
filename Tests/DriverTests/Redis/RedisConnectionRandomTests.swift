import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis connection state, at random")
struct RedisConnectionRandomTests {
    @Test("any sequence of events tells each waiter once, its own reply or an error", arguments: [false, true])
    func randomised(writesDirectly: Bool) {
        for seed in 0..<200 {
            var generator = Seeded(state: UInt64(seed) &* 0x9E37_79B9 &+ 1)
            let bench = ConnectionBench(.init(commands: 60, silence: .seconds(3600), writesDirectly: writesDirectly))
            // What the server has been sent and has not answered: names of commands.
            var server: [String] = []
            var next = 0
            var cancelled: Set<Int> = []
            var reads: Set<Int> = []
            var refused: Set<Int> = []
            var losses = 0
            // A caller that is still writing, and what it has to.
            var direct: ConnectionState<Int>.DirectOutput?
            for now in 0..<400 {
                switch Int.random(in: 0..<10, using: &generator) {
                case 0..<4:
                    next += 1
                    if Bool.random(using: &generator) { reads.insert(next) }
                    let isRead = reads.contains(next)
                    let output = bench.addDirect(
                        next, "<\(next)>", now: Int64(now), until: Int64(now) + 100, reads: isRead)
                    if bench.ids[next] == nil { refused.insert(next) }
                    if output != nil { direct = output }
                case 4 where direct != nil:
                    // The bytes arrive as a whole, or are left to the thread.
                    guard let output = direct else { break }
                    direct = nil
                    let isTaken = Bool.random(using: &generator)
                    let isCurrent = output.connection == bench.state.connection
                    _ = bench.callerWrote(isTaken ? output.bytes.count : 0, of: output)
                    if isTaken, isCurrent { server.append(String(decoding: output.bytes, as: UTF8.self)) }
                case 4:
                    let waiter = Int.random(in: 0...max(next, 1), using: &generator)
                    if bench.cancel(waiter) { cancelled.insert(waiter) }
                case 5..<8:
                    let count = Int.random(in: 0...server.count, using: &generator)
                    let replies = server.prefix(count).map { Reply.bytes(Array($0.utf8)) }
                    server.removeFirst(count)
                    if bench.state.phase == .ready { #expect(bench.receive(replies, Int64(now))) }
                case 8 where bench.state.phase == .ready && Int.random(in: 0..<4, using: &generator) == 0:
                    server = []
                    losses += 1
                    bench.lose(retryAt: Int64(now))
                default:
                    break
                }
                let plan = bench.plan(Int64(now))
                if plan.step == .connect { bench.state.connected() }
                if let output = plan.output {
                    let text = String(decoding: output.bytes, as: UTF8.self)
                    server += text.split(separator: ">").map { $0 + ">" }
                }
            }
            _ = bench.plan(1_000_000)
            for waiter in 1...max(next, 1) where waiter <= next {
                let isTold = bench.told[waiter] != nil
                let isSilent = cancelled.contains(waiter) || refused.contains(waiter)
                #expect(isTold != isSilent, "seed \(seed), waiter \(waiter)")
                if case .success(let reply) = bench.told[waiter] {
                    #expect(reply == .bytes(Array("<\(waiter)>".utf8)), "seed \(seed)")
                }
                if bench.code(waiter) == .connectionLost {
                    #expect(!reads.contains(waiter) || losses > 2, "seed \(seed): reads are repeated twice")
                }
            }
        }
    }
}

/// SplitMix64.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
