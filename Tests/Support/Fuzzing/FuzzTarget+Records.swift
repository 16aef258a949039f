import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions

extension FuzzTarget {
    private static let recordPieces = [
        "session/1 ", "session/2 ", "0 ", "-1 ", "9223372036854775807 ", "9223372036854775808 ", "\n", "\n\n", "user ",
        "user %0A\n", "secret x\n", "previous 1 x\n", "epochs x y\n", "method.YQ 1\n", "successor 1 x\n", "pin x\n",
        "flash.YQ MQ\n", "id ", "generation -1\n", "%", " ", "\u{0}", "{}",
    ]

    private static let records1 = [
        "session/1 1 1780000000000 1780000060000 3600000 86400000\nuser ada\n\n{\"count\":2}",
        "session/1 1 1780000000000 1780000000000 0 86400000\nflash.YQ MQ\npin abc\n\n{\"count\":7}",
        "session/2 1 1780000000000 1780000000000 0 86400000\nsecret \(String(repeating: "A", count: 43))\nuser ada\n"
            + "epochs a b\nauthenticated 1780000000000\nagent x%0Ay\n\n{\"count\":7}",
        "session/1 2 -5 -5 0 9223372036854775807\nuser a%0Ab%25\nsuccessor 5 \(String(repeating: "A", count: 43))\n\n",
    ]

    /// Stored records, the decoder alone. What it accepts it writes so that it reads the same again.
    static let records = FuzzTarget(name: "records", share: 15) {
        let mutator = Mutator(seeds: Self.records1, pieces: Self.recordPieces)
        return { generator in
            let input = mutator.input(&generator)
            guard let record = SessionRecord(input) else { return false }
            guard SessionRecord(record.bytes) == record else { throw Violation("another record when written", input) }
            return true
        }
    }

    /// Stored records under a live request: reading, updating and ending it works or is refused, and an update is kept.
    static let storedRecords = FuzzTarget(name: "stored-records", share: 5) {
        let storage = Storage()
        var options = SessionOptions()
        options.pinning = AddressPinning(onMismatch: .log)
        let config = try SessionConfig(
            in: .storage(storage, secrets: [Self.secret]), options: options
        ) { Visits() }
        let first = SessionEvent(request: Self.request(), remoteAddress: "192.0.2.1")
        try await useSession(first, config)
        try await updateSession(first, as: Visits.self) { $0.count = 7 }
        var request = Self.request()
        request.headerFields[.cookie] = first.responseFields[.setCookie].map { String($0.prefix { $0 != ";" }) }
        guard let key = try await storage.getKeys().first, let valid = try await storage.getItemRaw(key) else {
            throw Violation("nothing was stored", [])
        }
        let mutator = Mutator(seeds: [valid, valid] + Self.records1.map { Array($0.utf8) }, pieces: Self.recordPieces)
        return { [request] generator in
            let input = mutator.input(&generator)
            try await storage.setItemRaw(key, input)
            let event = SessionEvent(request: request, remoteAddress: "192.0.2.1")
            try await useSession(event, config)
            guard let value = try await getSession(event, as: Visits.self), value.count < Int.max else { return false }
            _ = try await sessionInfo(event)
            _ = try await takeFlash(event, "a", as: Int.self)
            do {
                try await updateSession(event, as: Visits.self) { $0.count += 1 }
            } catch let error as SessionError where error.code == .gone {
                return false
            }
            let again = SessionEvent(request: request, remoteAddress: "192.0.2.1")
            try await useSession(again, config)
            guard try await getSession(again, as: Visits.self)?.count == value.count + 1 else {
                throw Violation("an update was lost", input)
            }
            return true
        }
    }

    /// Keys. Normalising twice is normalising once, and what can be stored is found and listed under its normal name.
    static let keys = FuzzTarget(name: "keys", share: 10) {
        let mutator = Mutator(
            seeds: ["users:ada", "a/b\\c:d?e", "::a::b:", "ünï:çode", "data.json$"],
            pieces: [":", "/", "\\", "?", "$", "..", "%", "%3A", "\u{0}", " ", "ü", "e\u{301}"],
            maximumCount: 200
        )
        return { generator in
            let input = mutator.input(&generator)
            let text = String(decoding: input, as: UTF8.self)
            let normal = normalizeKey(text)
            guard normalizeKey(normal) == normal else { throw Violation("normal keys change", input) }
            let storage = Storage()
            if !text.isEmpty {
                let segment = StorageKey.escaped(text)
                try await storage.setItemRaw("base:" + segment, input)
                guard try await storage.getKeys() == ["base:" + segment], StorageKey.unescaped(segment) == text else {
                    throw Violation("an escaped segment is another key", input)
                }
            }
            do throws(StorageError) {
                try await storage.setItemRaw(text, input)
            } catch {
                guard error.code == .invalidKey else { throw error }
                return false
            }
            guard try await storage.getItemRaw(normal) == input, try await storage.getKeys().contains(normal) else {
                throw Violation("stored and not found", input)
            }
            return true
        }
    }
}
