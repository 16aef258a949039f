import KVStorage

/// Checks and writes of items that one server has, as one script: what the script is given, and how its answer is read.
///
/// The keys are those of the mutations, then those of their metadata if any is kept, then those that are checked only. The
/// arguments are
///
/// - the kinds of the mutations, two letters each: `s` stores, `k` stores and keeps an existing item's lifetime, `r` removes,
///   `t` gives a lifetime, `e` looks whether there is an item; then what becomes of the metadata: `f` it is replaced, `d` it is
///   dropped, `-` it stays;
/// - the kinds of the checks, a letter each: `a` absent, `p` present, `b` bytes;
/// - `1` if metadata is kept;
/// - for each check the position of its key, and the bytes;
/// - for each mutation the value, the lifetime in milliseconds (nothing: forever; 0: it is over) and the metadata.
///
/// The answer is 0 and for each mutation whether its item was there, or the number of the check that does not hold and its
/// item's bytes.
struct Batch: Sendable {
    let checks: [Commit.Check]
    let mutations: [Mutation]
    private let names: Keys
    private let hasMetadata: Bool
    /// Where the key of each check stands.
    private let positions: [Int]
    /// The keys of those that are checked only.
    private let checkedKeys: [String]

    /// How many words a command may have in every version (`PROTO_MAX_MULTIBULK`, 1024 * 1024).
    static let maximumWords = 1 << 20

    /// - Parameters:
    ///   - names: How keys are named in the server.
    ///   - hasMetadata: Whether items may have custom metadata.
    /// - Throws: `StorageError.Code.tooLarge` if it is more than one command can hold.
    init(
        checks: [Commit.Check] = [],
        _ mutations: [Mutation],
        _ names: Keys,
        hasMetadata: Bool
    ) throws(StorageError) {
        self.checks = checks
        self.mutations = mutations
        self.names = names
        self.hasMetadata = hasMetadata && !mutations.isEmpty
        var places: [KeyIdentity: Int] = [:]
        for (index, mutation) in mutations.enumerated() { places[KeyIdentity(mutation.key)] = index + 1 }
        var checkedKeys: [String] = []
        let first = (self.hasMetadata ? 2 : 1) * mutations.count + 1
        self.positions = checks.map { check in
            let identity = KeyIdentity(check.key)
            if let place = places[identity] { return place }
            places[identity] = first + checkedKeys.count
            checkedKeys.append(check.key)
            return first + checkedKeys.count - 1
        }
        self.checkedKeys = checkedKeys
        guard self.words <= Self.maximumWords else {
            throw StorageError(
                .tooLarge,
                "a batch of \(mutations.count) writes is more than Redis takes at once; write fewer at a time")
        }
    }

    // MARK: - The command

    /// The command that runs the batch.
    var command: Command {
        Command(key: self.mutations.first?.key ?? self.checks[0].key, .batch, words: self.words) { writer in
            writer.word(Int64(self.keyCount))
            for mutation in self.mutations { self.names.write(mutation.key, to: &writer) }
            if self.hasMetadata {
                for mutation in self.mutations { self.names.writeMeta(mutation.key, to: &writer) }
            }
            for key in self.checkedKeys { self.names.write(key, to: &writer) }
            writer.word(self.mutations.flatMap(Self.letters))
            writer.word(self.checks.map { Self.letter(of: $0.condition) })
            writer.word(self.hasMetadata ? "1" : "0")
            for (check, position) in zip(self.checks, self.positions) {
                writer.word(Int64(position))
                if case .bytes(let bytes) = check.condition { writer.word(bytes) }
            }
            for mutation in self.mutations { Self.write(mutation, to: &writer) }
        }
    }

    private var keyCount: Int {
        (self.hasMetadata ? 2 : 1) * self.mutations.count + self.checkedKeys.count
    }

    /// How many words the command has behind the number of keys.
    private var words: Int {
        let checks = self.checks.reduce(0) { sum, check in
            if case .bytes = check.condition { sum + 2 } else { sum + 1 }
        }
        return self.keyCount + 3 + checks + self.mutations.reduce(0) { $0 + Self.wordCount(of: $1) }
    }

    private static func letter(of condition: Commit.Check.Condition) -> UInt8 {
        switch condition {
        case .absent: UInt8(ascii: "a")
        case .present: UInt8(ascii: "p")
        case .bytes: UInt8(ascii: "b")
        }
    }

    private static func letters(of mutation: Mutation) -> [UInt8] {
        switch mutation {
        case .remove: Array("r-".utf8)
        case .touch(_, let ttl): Array(ttl.keepsDeadline ? "e-".utf8 : "t-".utf8)
        case .set(_, _, let options, let fields):
            [UInt8(ascii: options.keepsDeadline ? "k" : "s"), Self.letter(of: fields)]
        }
    }

    private static func letter(of fields: FieldChange) -> UInt8 {
        switch fields {
        case .keep: UInt8(ascii: "-")
        case .replace(nil): UInt8(ascii: "d")
        case .replace: UInt8(ascii: "f")
        }
    }

    private static func wordCount(of mutation: Mutation) -> Int {
        switch mutation {
        case .remove: 0
        case .touch(_, let ttl): ttl.keepsDeadline ? 0 : 1
        case .set(_, _, _, .replace(_?)): 3
        case .set: 2
        }
    }

    private static func write(_ mutation: Mutation, to writer: inout CommandWriter) {
        switch mutation {
        case .remove: break
        case .touch(_, let ttl):
            if !ttl.keepsDeadline { writer.optionalWord(ttl.redisMilliseconds) }
        case .set(_, let value, let options, let fields):
            writer.word(value)
            writer.optionalWord(options.milliseconds)
            if case .replace(let bytes?) = fields { writer.word(bytes) }
        }
    }

    // MARK: - The answer

    /// The key, if it concerns only one, for errors.
    private var onlyKey: String? {
        let key = self.mutations.first?.key ?? self.checks[0].key
        let isOnly =
            self.checkedKeys.allSatisfy { keysEqual($0, key) }
            && self.mutations.allSatisfy { keysEqual($0.key, key) }
        return isOnly ? key : nil
    }

    /// Returns what the answer says became of the batch.
    func outcome(_ reply: Reply) throws(StorageError) -> CommitOutcome {
        guard case .array(let parts) = reply, case .integer(let index)? = parts.first else {
            throw reply.unexpected(self.onlyKey)
        }
        if index > 0 {
            guard index <= self.checks.count, parts.count == 2 else { throw reply.unexpected(self.onlyKey) }
            return .mismatch(
                index: Int(index) - 1, current: try parts[1].bytesOrNull(self.checks[Int(index) - 1].key))
        }
        guard parts.count == 1 + self.mutations.count else { throw reply.unexpected(self.onlyKey) }
        var found: [Bool] = []
        found.reserveCapacity(self.mutations.count)
        for part in parts.dropFirst() { found.append(try part.integer(self.onlyKey) > 0) }
        return .committed(found: found)
    }
}
