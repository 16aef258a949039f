import HTTPTypes

extension SessionCore {
    /// What a request's fields say about its session, and whether they say anything.
    struct Presented: Sendable {
        /// What names the request's session: the only good token.
        var credential: Credential?
        /// The good tokens that count for a logout alone, as they contradict each other or a header field (R25, R38).
        var others: [Credential] = []
        /// Whether there is a cookie of this name, good or bad.
        var hasCookie = false
        /// Whether there is the token's header field, good, bad or empty.
        var hasField = false
    }

    /// Reads and verifies the request's tokens; touches no storage.
    ///
    /// R25: all values of the cookie are looked at; a good one counts only if no other one is good. R38: a header field, where
    /// it is taken, has to be good and must not name another session than the cookie.
    func presented(by event: SessionEvent) -> Presented {
        var presented = Presented()
        var tokens = Tokens()
        self.reader.forEachValue(in: event.request.headerFields) { value in
            presented.hasCookie = true
            tokens.take(self.verify(value))
            return !tokens.isFull
        }
        var isFieldRefused = false
        if let tokenField = self.tokenField {
            presented.hasField = tokenField.forEachToken(in: event.request.headerFields) { value in
                let outcome = value.map(self.verify) ?? .refused(.malformed)
                tokens.take(outcome)
                if case .refused = outcome { isFieldRefused = true }
            }
        }
        if !tokens.others.isEmpty {
            self.report(.rejected(.ambiguous))
        } else if let rejection = tokens.rejection {
            self.report(.rejected(rejection))
        }
        presented.others = tokens.others
        guard let credential = tokens.credential else { return presented }
        if isFieldRefused || !tokens.others.isEmpty {
            presented.others.append(credential)
        } else {
            presented.credential = credential
        }
        return presented
    }

    private enum Verification {
        case good(Credential)
        case refused(SessionActivity.Rejection)
    }

    /// What came of the tokens so far.
    private struct Tokens {
        /// How many different good ones are kept, to be ended by a logout.
        static let maximumCount = 8

        var credential: Credential?
        /// Further good ones; with these, none names the session.
        var others: [Credential] = []
        var rejection: SessionActivity.Rejection?

        var isFull: Bool { self.others.count >= Self.maximumCount }

        mutating func take(_ verification: Verification) {
            switch verification {
            case .good(let other):
                guard let credential = self.credential else {
                    self.credential = other
                    return
                }
                guard credential.id != other.id || credential.record != other.record, !self.isFull else { return }
                self.others.append(other)
            case .refused(let reason):
                if self.rejection == nil || reason == .forged { self.rejection = reason }
            }
        }
    }

    private func verify(_ value: UnsafeRawBufferPointer) -> Verification {
        switch self.records {
        case .storage:
            switch SignedToken.verify(value, signer: self.signer) {
            case .malformed: .refused(.malformed)
            case .forged: .refused(.forged)
            case .valid(let id, let secret): .good(Credential(id: id, signer: secret))
            }
        case .cookie(let sealer):
            switch sealer.open(value) {
            case .malformed: .refused(.malformed)
            case .forged: .refused(.forged)
            case .valid(let bytes, let key):
                if let id = SessionRecord(bytes)?.id {
                    .good(Credential(id: id, signer: key, record: bytes))
                } else {
                    .refused(.undecodable)
                }
            }
        }
    }
}
