import HTTPTypes

extension SessionCore {
    /// What a request's fields say about its session, and whether they say anything.
    struct Presented: Sendable {
        var credential: Credential?
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
            return !tokens.isAmbiguous
        }
        var isFieldRefused = false
        if let tokenField = self.tokenField {
            for field in event.request.headerFields where field.name == tokenField {
                presented.hasField = true
                let outcome = field.withUnsafeBytesOfValue { value in
                    value.isEmpty ? nil : self.verify(UnsafeRawBufferPointer(value))
                }
                guard let outcome else { continue }
                tokens.take(outcome)
                if case .refused = outcome { isFieldRefused = true }
            }
        }
        if tokens.isAmbiguous {
            self.report(.rejected(.ambiguous), nil)
            return presented
        }
        if let rejection = tokens.rejection { self.report(.rejected(rejection), nil) }
        if !isFieldRefused { presented.credential = tokens.credential }
        return presented
    }

    private enum Verification {
        case good(Credential)
        case refused(SessionActivity.Rejection)
    }

    /// What came of the tokens so far.
    private struct Tokens {
        var credential: Credential?
        var rejection: SessionActivity.Rejection?
        var isAmbiguous = false

        mutating func take(_ verification: Verification) {
            switch verification {
            case .good(let other):
                guard let credential = self.credential else {
                    self.credential = other
                    return
                }
                if credential.id != other.id || credential.record != other.record { self.isAmbiguous = true }
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
            case .valid(let id, let secret): .good(Credential(id: id, secret: secret))
            }
        case .cookie(let sealer):
            switch sealer.open(value) {
            case .malformed: .refused(.malformed)
            case .forged: .refused(.forged)
            case .valid(let bytes, let key):
                if let id = SessionRecord(bytes)?.id {
                    .good(Credential(id: id, secret: key, record: bytes))
                } else {
                    .refused(.undecodable)
                }
            }
        }
    }
}
