import KVStorage

/// Which node of a cluster serves which slot.
struct Topology: Sendable {
    /// The masters, each named once.
    private(set) var masters: [Endpoint] = []
    /// The replicas of each master, by its position.
    private var replicas: [[Endpoint]] = []
    /// All nodes that were named, replicas included.
    private(set) var nodes: Set<Endpoint> = []
    /// For each slot the position of its master; `none` if nobody serves it.
    private var owners = [UInt16](repeating: Self.none, count: Slot.count)

    private static let none = UInt16.max

    /// Whether the node that gave the answer serves; one that sees no majority of the masters does not.
    private(set) var isServing = true
    /// The epoch of the cluster that the node knows of, if it told: a lower one means that it has missed something.
    private(set) var epoch: Int?

    /// Reads the answer to `CLUSTER SLOTS`.
    ///
    /// - Parameter asked: Who gave it: a node that does not know its own address names none.
    init(_ reply: Reply, asked: Endpoint) throws(StorageError) {
        for entry in try reply.elements(nil) {
            let parts = try entry.elements(nil)
            guard parts.count > 2 else { throw entry.unexpected(nil) }
            let first = Int(try parts[0].integer(nil))
            let last = Int(try parts[1].integer(nil))
            guard 0 <= first, first <= last, last < Slot.count else { throw entry.unexpected(nil) }
            let owner = self.position(of: try Self.endpoint(parts[2], asked))
            for slot in first...last { self.owners[slot] = owner }
            for node in parts.dropFirst(3) {
                let endpoint = try Self.endpoint(node, asked)
                self.nodes.insert(endpoint)
                if !self.replicas[Int(owner)].contains(endpoint) { self.replicas[Int(owner)].append(endpoint) }
            }
        }
    }

    /// Takes note of what the node says about its state (`CLUSTER INFO`).
    mutating func note(info: String) {
        for line in info.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "cluster_state": self.isServing = parts[1] == "ok"
            case "cluster_current_epoch": self.epoch = Int(parts[1])
            default: break
            }
        }
    }

    /// Whether the answer can be taken without others being asked: by a node that serves, with all slots, and not older
    /// than what is known.
    func isTrustworthy(after known: Int?) -> Bool {
        self.isServing && self.missing == 0 && (self.epoch ?? known ?? 0) >= (known ?? 0)
    }

    /// Whether the answer is the one to go by, of two.
    func isBetter(than other: Self) -> Bool {
        if self.isServing != other.isServing { return self.isServing }
        if let epoch = self.epoch, let otherEpoch = other.epoch, epoch != otherEpoch { return epoch > otherEpoch }
        return self.missing < other.missing
    }

    /// How many slots nobody serves.
    private var missing: Int { self.owners.count { $0 == Self.none } }

    /// Returns the slot's master, or `nil` if it has none.
    func master(of slot: Int) -> Endpoint? {
        let owner = self.owners[slot]
        return owner == Self.none ? nil : self.masters[Int(owner)]
    }

    /// Returns the replicas of the slot's master.
    func replicas(of slot: Int) -> [Endpoint] {
        let owner = self.owners[slot]
        return owner == Self.none ? [] : self.replicas[Int(owner)]
    }

    /// Whether the node was named as a replica.
    func hasReplica(_ endpoint: Endpoint) -> Bool {
        self.replicas.contains { $0.contains(endpoint) }
    }

    /// Notes that a slot has another master.
    mutating func move(_ slot: Int, to endpoint: Endpoint) {
        self.owners[slot] = self.position(of: endpoint)
    }

    /// Whether each slot has the same master in both.
    func hasSameOwners(as other: Topology) -> Bool {
        if self.masters == other.masters { return self.owners == other.owners }
        return (0..<Slot.count).allSatisfy { self.master(of: $0) == other.master(of: $0) }
    }

    private mutating func position(of endpoint: Endpoint) -> UInt16 {
        if let index = self.masters.firstIndex(of: endpoint) { return UInt16(index) }
        self.nodes.insert(endpoint)
        self.masters.append(endpoint)
        self.replicas.append([])
        return UInt16(self.masters.count - 1)
    }

    private static func endpoint(_ node: Reply, _ asked: Endpoint) throws(StorageError) -> Endpoint {
        let parts = try node.elements(nil)
        guard parts.count > 1, case .host(let askedHost, _) = asked else { throw node.unexpected(nil) }
        let port = Int(try parts[1].integer(nil))
        let name = String(decoding: try parts[0].bytesOrNull(nil) ?? [], as: UTF8.self)
        return .host(name.isEmpty || name == "?" ? askedHost : name, port: port)
    }
}

/// What a node of a cluster answers instead of a reply.
enum Redirection: Hashable {
    /// The slot belongs to another node now.
    case moved(slot: Int, Endpoint)
    /// The slot is on its way to another node, which has this key.
    case ask(Endpoint)
    /// The node can't serve this now.
    case later

    /// Returns `nil` if the error is meant for the caller.
    init?(_ error: RedisServerError, from asked: Endpoint) {
        let words = error.description.split(separator: " ")
        switch error.code {
        case "MOVED" where words.count > 2:
            guard let slot = Int(words[1]), (0..<Slot.count).contains(slot),
                let endpoint = Self.endpoint(words[2], asked)
            else { return nil }
            self = .moved(slot: slot, endpoint)
        case "ASK" where words.count > 2:
            guard let endpoint = Self.endpoint(words[2], asked) else { return nil }
            self = .ask(endpoint)
        case "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY":
            self = .later
        default:
            return nil
        }
    }

    private static func endpoint(_ text: Substring, _ asked: Endpoint) -> Endpoint? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            case .host(let askedHost, _) = asked
        else { return nil }
        let host = text[..<colon]
        return .host(host.isEmpty || host == "?" ? askedHost : String(host), port: port)
    }
}
