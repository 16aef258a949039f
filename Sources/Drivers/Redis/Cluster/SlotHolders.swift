/// Which nodes of a cluster may hold items of which slots at a moment, as its masters say of themselves: a slot that is on
/// its way to another node has items on both.
struct SlotHolders: Sendable {
    /// The slots of each node: those that it owns, and those that are on their way to it.
    private(set) var owned: [Endpoint: SlotSet] = [:]
    private(set) var arriving: [Endpoint: SlotSet] = [:]

    init() {}

    /// Reads what each of the masters answered to `CLUSTER NODES`.
    init(_ answers: [(asked: Endpoint, text: String)]) {
        let answers = answers.map { ($0.asked, ClusterNode.nodes(in: $0.text, asked: $0.asked)) }
        var places: [Substring: Endpoint] = [:]
        for (asked, nodes) in answers {
            for node in nodes { places[node.identifier] = places[node.identifier] ?? node.place }
            // The name by which it was reached counts for more than others' word.
            for node in nodes where node.isMyself { places[node.identifier] = asked }
        }
        let asked = Set(answers.flatMap { $0.1 }.filter(\.isMyself).map(\.identifier))
        for node in answers.flatMap({ $0.1 }) where node.isMyself || node.isMaster && !asked.contains(node.identifier) {
            guard let place = places[node.identifier] else { continue }
            if !node.owned.isEmpty { self.owned[place] = (self.owned[place] ?? SlotSet()) | node.owned }
            for (slot, target) in node.leaving {
                if let target = places[target] { self.arriving[target, default: SlotSet()].insert(slot) }
            }
            for slot in node.arriving { self.arriving[place, default: SlotSet()].insert(slot) }
        }
    }

    /// Returns the nodes to which items may have come since an earlier moment, and of which slots: a walk over all nodes in
    /// between may have missed them, as it was at their new node before they were and at the old one after.
    ///
    /// - Parameter visited: Slots of nodes that were gone over when no items came to them from elsewhere unseen: those that
    ///   an earlier walk missed were there by then, unless they went on.
    func gains(
        since earlier: Self,
        among slots: SlotSet?,
        visited: [Endpoint: SlotSet]
    ) -> [Endpoint: SlotSet] {
        let openBefore = earlier.arriving.values.reduce(SlotSet(), |)
        let openNow = self.arriving.values.reduce(SlotSet(), |)
        let none = SlotSet()
        var gains: [Endpoint: SlotSet] = [:]
        for place in Set(self.owned.keys).union(self.arriving.keys).union(earlier.arriving.keys) {
            let before = earlier.owned[place] ?? none
            let now = self.owned[place] ?? none
            let came = (now | (self.arriving[place] ?? none) | (earlier.arriving[place] ?? none)) - before
            // Given up on the way: items may have gone back.
            let returned = (before & now & openBefore) - openNow
            var gain = (came - (visited[place] ?? none)) | returned
            if let slots { gain = gain & slots }
            if !gain.isEmpty { gains[place] = gain }
        }
        return gains
    }
}

/// A line of the answer to `CLUSTER NODES`.
struct ClusterNode {
    var identifier: Substring
    /// Where it is, or `nil` if that is not known.
    var place: Endpoint?
    var isMyself: Bool
    /// Whether it is a master that others can reach.
    var isMaster: Bool
    var owned = SlotSet()
    /// The slots on their way to another node, and its identifier; known of the node that answers only.
    var leaving: [(slot: Int, target: Substring)] = []
    /// The slots on their way to it; known of the node that answers only.
    var arriving: [Int] = []

    /// Returns the lines that make sense.
    static func nodes(in text: String, asked: Endpoint) -> [ClusterNode] {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ") }.filter { $0.count >= 8 }
        guard case .host(let askedHost, _) = asked else { return [] }
        // Nodes that are reached by name are called by name.
        let usesNames = lines.contains { $0[2].contains("myself") && Self.address($0[1])?.name == askedHost[...] }
        return lines.map { words in
            let flags = words[2].split(separator: ",")
            let isAway = flags.contains { ["fail", "noaddr", "handshake"].contains($0) }
            var node = ClusterNode(
                identifier: words[0], isMyself: flags.contains("myself"), isMaster: flags.contains("master") && !isAway)
            if let address = Self.address(words[1]) {
                let name = usesNames && !address.name.isEmpty ? address.name : address.host
                node.place = .host(name.isEmpty ? askedHost : String(name), port: address.port)
            }
            for word in words[8...] { node.read(word) }
            return node
        }
    }

    /// Reads slots: `5`, `0-5460`, `[77->-target]`, `[93-<-source]`.
    private mutating func read(_ word: Substring) {
        if word.first == "[" {
            let parts = word.dropFirst().dropLast().split(separator: "-", maxSplits: 2)
            guard parts.count == 3, let slot = Int(parts[0]) else { return }
            if parts[1] == ">" { self.leaving.append((slot, parts[2])) } else { self.arriving.append(slot) }
            return
        }
        let bounds = word.split(separator: "-").compactMap { Int($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return }
        for slot in first...last where slot < Slot.count { self.owned.insert(slot) }
    }

    /// Takes `host:port@bus`, or `host:port@bus,name`, apart.
    private static func address(_ word: Substring) -> (host: Substring, port: Int, name: Substring)? {
        let parts = word.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        let socket = parts[0].prefix { $0 != "@" }
        guard let colon = socket.lastIndex(of: ":"), let port = Int(socket[socket.index(after: colon)...]), port > 0
        else { return nil }
        // Redis 7.2 has further fields behind the name.
        let name = parts.count > 1 ? parts[1].prefix { $0 != "," } : ""
        return (socket[..<colon], port, name)
    }
}
