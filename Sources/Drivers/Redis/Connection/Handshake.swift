import KVStorage

/// The first words on a connection: who we are, which database; nothing else is sent before they are answered.
struct Handshake {
    enum Outcome {
        case unfinished
        case done
        /// A final failure is one that another attempt would meet again.
        case failed(StorageError, isFinal: Bool)
    }

    private enum Step {
        case authenticate, select, name, readReplica, ping, role, memory, subscribe
    }

    /// What is to be sent.
    let bytes: [UInt8]
    private var steps: [Step]
    private let place: String
    private let memoryPolicy: MemoryPolicy?

    init(_ options: Connection.Options) {
        var writer = CommandWriter()
        var steps: [Step] = []
        if let password = options.password {
            writer.begin(options.username == nil ? 2 : 3)
            writer.word("AUTH")
            if let username = options.username { writer.word(username) }
            writer.word(password.value)
            steps.append(.authenticate)
        }
        if options.database != 0 {
            writer.begin(2)
            writer.word("SELECT")
            writer.word(Int64(options.database))
            steps.append(.select)
        }
        if let name = options.clientName {
            writer.begin(3)
            writer.word("CLIENT")
            writer.word("SETNAME")
            writer.word(name)
            steps.append(.name)
        }
        if options.readsReplica {
            // Without it a replica sends all commands to its master. Each connection has to say so anew.
            writer.begin(1)
            writer.word("READONLY")
            steps.append(.readReplica)
        }
        // A server that still loads its data, or wants a password, says so only to a command like this one.
        writer.begin(1)
        writer.word("PING")
        steps.append(.ping)
        if options.sentinels != nil {
            // Sentinels may name a server that is none any more, or not yet (sentinel-clients, step 3).
            writer.begin(1)
            writer.word("ROLE")
            steps.append(.role)
        }
        if options.memoryPolicy != nil, options.subscription == nil {
            writer.begin(2)
            writer.word("INFO")
            writer.word("memory")
            steps.append(.memory)
        }
        if let pattern = options.subscription {
            writer.begin(2)
            writer.word("PSUBSCRIBE")
            writer.word(pattern)
            steps.append(.subscribe)
        }
        self.bytes = writer.bytes
        self.steps = steps.reversed()
        self.place = options.endpoint.description
        self.memoryPolicy = options.memoryPolicy
    }

    /// Takes the next reply.
    mutating func receive(_ reply: Reply) -> Outcome {
        guard let step = self.steps.popLast() else { return .done }
        if case .error(let error) = reply, let failure = self.failure(of: step, error) { return failure }
        if step == .role, case .array(let parts) = reply, parts.first != .bytes(Array("master".utf8)) {
            let text = "\(self.place) is no master, though a sentinel names it; the failover may not be over"
            return .failed(StorageError(.unavailable, text), isFinal: false)
        }
        if step == .memory, case .bytes(let text) = reply { self.memoryPolicy?.note(text) }
        return self.steps.isEmpty ? .done : .unfinished
    }

    private func failure(of step: Step, _ error: RedisServerError) -> Outcome? {
        // Who may not ask for it does not know it; nothing else depends on it.
        if step == .memory { return nil }
        switch (step, error.code) {
        // The name is for people who look at the server; and who may not ping may still read and write.
        case (.name, "NOPERM"), (.ping, "NOPERM"), (.role, "NOPERM"):
            return nil
        // Redis refuses PING together with the writes when it can't save, has too few replicas or no memory; it still reads.
        case (.ping, "MISCONF"), (.ping, "NOREPLICAS"), (.ping, "OOM"):
            return nil
        case (_, "LOADING"), (_, "BUSY"), (_, "MASTERDOWN"), (_, "CLUSTERDOWN"):
            return self.failed(.unavailable, "is not ready to serve", error, isFinal: false)
        case (_, _) where error.description.hasPrefix("ERR max number of clients"):
            return self.failed(.unavailable, "takes no further client", error, isFinal: false)
        case (_, "NOAUTH"), (_, "WRONGPASS"), (_, "NOPERM"), (_, "DENIED"), (.authenticate, _):
            return self.failed(.permissionDenied, "denies access", error, isFinal: true)
        case (.name, _), (.role, _):
            return nil
        case (.select, _):
            return self.failed(.invalidOption, "has no such database", error, isFinal: true)
        case (.readReplica, _), (.ping, _), (.memory, _), (.subscribe, _):
            return self.failed(.unavailable, "does not serve us", error, isFinal: true)
        }
    }

    private func failed(_ code: StorageError.Code, _ text: String, _ error: RedisServerError, isFinal: Bool) -> Outcome
    {
        .failed(StorageError(code, "\(self.place) \(text): \(error)", underlying: error), isFinal: isFinal)
    }
}
