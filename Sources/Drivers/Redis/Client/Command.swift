import KVStorage

/// A command on items that one server holds, for where several are sent together.
struct Command: Sendable {
    /// One of the items.
    var key: String
    var replies = Replies.one
    var encode: Client.Encode
    /// What to send instead if the server does not know the script yet whose digest was sent.
    var encodeSource: Client.Encode?

    init(key: String, replies: Replies = .one, encode: @escaping Client.Encode) {
        self.key = key
        self.replies = replies
        self.encode = encode
    }

    /// Runs a script.
    ///
    /// - Parameters:
    ///   - words: How many words `encode` writes after the number of keys: the keys, and what else it is given.
    ///   - encode: Writes the number of keys, and those words.
    init(key: String, _ script: Script, words: Int, _ encode: @escaping Client.Encode) {
        self.key = key
        self.encode = { writer in
            script.writeDigest(words: words, to: &writer)
            encode(&writer)
        }
        self.encodeSource = { writer in
            script.writeSource(words: words, to: &writer)
            encode(&writer)
        }
    }
}

extension Script {
    /// Writes the beginning of a call by digest; the number of keys and so many words have to follow.
    func writeDigest(words: Int, to writer: inout CommandWriter) {
        writer.begin(3 + words)
        writer.encoded("$7\r\nEVALSHA\r\n")
        writer.word(self.digest)
    }

    /// Writes the beginning of a call that brings the script along.
    func writeSource(words: Int, to writer: inout CommandWriter) {
        writer.begin(3 + words)
        writer.encoded("$4\r\nEVAL\r\n")
        writer.word(self.source)
    }
}

extension Client {
    /// Sends commands that do not depend on each other, and returns the reply to each; those whose script the server does not
    /// know yet once more, with its source.
    func runEach(_ commands: [Command], isRepeatable: Bool) async throws(StorageError) -> [Reply] {
        let replies = try await self.sendEach(commands, isRepeatable: isRepeatable)
        let unknown = Self.unknownScripts(commands, replies)
        guard !unknown.isEmpty else { return replies }
        do {
            let again = try await self.sendEach(Self.sources(commands, unknown), isRepeatable: isRepeatable)
            return Self.merged(replies, again, unknown)
        } catch {
            let done = replies.count { reply in if case .error = reply { false } else { true } }
            guard !isRepeatable, done > 0 else { throw error }
            throw StorageError(partlyDone: done, of: commands.count, error)
        }
    }

    /// Sends commands that only read, as ``runEach(_:isRepeatable:)`` does, to servers that may lag behind if the client was
    /// made so.
    func runEachToRead(_ commands: [Command]) async throws(StorageError) -> [Reply] {
        let replies = try await self.readEach(commands)
        let unknown = Self.unknownScripts(commands, replies)
        guard !unknown.isEmpty else { return replies }
        let again = try await self.readEach(Self.sources(commands, unknown))
        return Self.merged(replies, again, unknown)
    }

    /// Returns the positions of the commands whose script the server did not know, so that it did nothing.
    private static func unknownScripts(_ commands: [Command], _ replies: [Reply]) -> [Int] {
        replies.indices.filter { commands[$0].encodeSource != nil && replies[$0].isUnknownScript }
    }

    private static func sources(_ commands: [Command], _ positions: [Int]) -> [Command] {
        positions.map { position in
            var command = commands[position]
            if let source = command.encodeSource { command.encode = source }
            return command
        }
    }

    private static func merged(_ replies: [Reply], _ again: [Reply], _ positions: [Int]) -> [Reply] {
        var replies = replies
        for (position, reply) in zip(positions, again) { replies[position] = reply }
        return replies
    }

    /// Runs a script on an item, or on an item and its metadata: by its digest, or by its source if the server does not know
    /// it yet.
    ///
    /// - Parameters:
    ///   - onlyReads: Whether it changes nothing, so that a server that may lag behind may run it.
    ///   - words: How many words `encode` writes after the number of keys: the keys, and what else it is given.
    ///   - encode: Writes the number of keys, and those words.
    func run(
        _ script: Script,
        _ key: String,
        onlyReads: Bool = false,
        words: Int,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        let reply = try await self.sendOrRead(key, onlyReads: onlyReads) { writer in
            script.writeDigest(words: words, to: &writer)
            encode(&writer)
        }
        guard reply.isUnknownScript else { return reply }
        return try await self.sendOrRead(key, onlyReads: onlyReads) { writer in
            script.writeSource(words: words, to: &writer)
            encode(&writer)
        }
    }

    private func sendOrRead(
        _ key: String,
        onlyReads: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        guard onlyReads else { return try await self.send(key, .one, isRepeatable: false, encode) }
        return try await self.read(key, .one, encode)
    }
}
