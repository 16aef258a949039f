import KVStorage

/// A call that changes a store, or the time, for the comparison with the model.
enum ModelCall: Sendable {
    case advance(Duration)
    case set(key: String, value: Int, ttl: TTL)
    case setIfAbsent(key: String, value: Int, ttl: TTL)
    case setMany([Pair], ttl: TTL)
    case remove(key: String)
    case removeMany([String])
    case clear(base: String)
    case take(key: String)
    case swap(key: String, expected: Expectation, replacement: Int?, ttl: TTL)
    case increment(key: String, amount: Int, ttl: TTL)
    case update(key: String, value: Int?, ttl: TTL)
    case touch(key: String, ttl: TTL)
    case setFields(key: String, number: Int?)

    struct Pair: Sendable {
        var key: String
        var value: Int
    }

    /// What a swap expects.
    enum Expectation: Sendable {
        /// Whatever is there.
        case current
        case number(Int)
    }

    static let bases = ["", "a", "a:b", "b", "ab", "c:a:a", "absent"]
    private static let names = ["a", "b", "c", "ab", "a%", "\u{1F600}"]

    /// Returns as many calls, the same ones for the same seed.
    static func random(_ count: Int, seed: UInt64) -> [ModelCall] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { Self.random($0, &random) }
    }

    private static func random(_ step: Int, _ random: inout SeededGenerator) -> ModelCall {
        switch Int.random(in: 0..<16, using: &random) {
        case 0: return .advance(.milliseconds(Int64.random(in: 1...20_000, using: &random)))
        case 1: return .clear(base: self.bases.dropFirst().randomElement(using: &random) ?? "a")
        case 2: return .removeMany((0..<4).map { _ in self.key(&random) })
        case 3:
            let ttl = Self.ttl(&random)
            let count = Int.random(in: 0...6, using: &random)
            return .setMany(
                (0..<count).map { _ in Pair(key: self.key(&random), value: self.number(&random)) }, ttl: ttl)
        case 4, 5: return .remove(key: self.key(&random))
        case 6:
            let key = self.key(&random)
            let isCurrent = Bool.random(using: &random)
            let expected = isCurrent ? Expectation.current : .number(self.number(&random))
            let isRemoval = Int.random(in: 0..<3, using: &random) == 0
            return .swap(
                key: key, expected: expected, replacement: isRemoval ? nil : self.number(&random),
                ttl: self.ttl(&random))
        case 7: return .increment(key: self.key(&random), amount: self.number(&random), ttl: self.ttl(&random))
        case 8: return .touch(key: self.key(&random), ttl: self.ttl(&random))
        case 9: return .setFields(key: self.key(&random), number: Bool.random(using: &random) ? nil : step)
        case 10: return .take(key: self.key(&random))
        case 11:
            let (key, number) = (self.key(&random), self.number(&random))
            return .update(key: key, value: number < 0 ? nil : number, ttl: self.ttl(&random))
        case 12: return .setIfAbsent(key: self.key(&random), value: self.number(&random), ttl: self.ttl(&random))
        default: return .set(key: self.key(&random), value: self.number(&random), ttl: self.ttl(&random))
        }
    }

    private static func key(_ random: inout SeededGenerator) -> String {
        let depth = Int.random(in: 1...3, using: &random)
        return (0..<depth).map { _ in Self.names.randomElement(using: &random) ?? "" }.joined(separator: ":")
    }

    private static func ttl(_ random: inout SeededGenerator) -> TTL {
        let ttl = Bool.random(using: &random) ? TTL.forever : .seconds(Int64.random(in: 1...60, using: &random))
        return Int.random(in: 0..<4, using: &random) == 0 ? .keep(orElse: ttl) : ttl
    }

    private static func number(_ random: inout SeededGenerator) -> Int {
        Int.random(in: -5...100, using: &random)
    }
}

extension ModelCall: CustomStringConvertible {
    var description: String {
        switch self {
        case .advance(let duration): "the clock + \(duration)"
        case .set(let key, let value, let ttl): "setItem(\(key), \(value)\(Self.text(ttl)))"
        case .setIfAbsent(let key, let value, let ttl): "setItem(\(key), \(value)\(Self.text(ttl)), ifAbsent)"
        case .setMany(let items, let ttl): "setItems(\(items.map { "\($0.key)=\($0.value)" })\(Self.text(ttl)))"
        case .remove(let key): "removeItem(\(key))"
        case .removeMany(let keys): "removeItems(\(keys))"
        case .clear(let base): "clear(\(base))"
        case .take(let key): "takeItem(\(key))"
        case .swap(let key, .current, let replacement, let ttl):
            "swap(\(key), what is there, \(replacement.map(String.init) ?? "nil")\(Self.text(ttl)))"
        case .swap(let key, .number(let expected), let replacement, let ttl):
            "swap(\(key), \(expected), \(replacement.map(String.init) ?? "nil")\(Self.text(ttl)))"
        case .increment(let key, let amount, let ttl): "incrementItem(\(key), \(amount)\(Self.text(ttl)))"
        case .update(let key, let value, let ttl):
            "updateItem(\(key), to \(value.map(String.init) ?? "nil")\(Self.text(ttl)))"
        case .touch(let key, let ttl): "touchItem(\(key)\(Self.text(ttl)))"
        case .setFields(let key, let number): number == nil ? "removeMeta(\(key))" : "setMeta(\(key))"
        }
    }

    private static func text(_ ttl: TTL) -> String { ", ttl \(ttl)" }
}
