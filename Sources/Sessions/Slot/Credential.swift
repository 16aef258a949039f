import HTTPTypes

/// What a request presents to name its session, verified but not looked up.
struct Credential: Sendable {
    /// The session that it names.
    var id: SessionID
    /// Which secret made it; 0 is the one that signs now.
    var secret: Int
}

extension SessionCore {
    /// More tokens than a browser has reason to send; who sends more is not looked at further.
    private static let maximumCandidates = 8

    /// What a request's fields say about its session, and whether they say anything.
    struct Presented: Sendable {
        var credential: Credential?
        /// Whether there is a cookie of this name, good or bad.
        var hasCookie = false
    }

    /// Reads and verifies the request's tokens; touches no storage.
    ///
    /// R25: all values of the cookie are looked at; a signed one counts only if no other one is signed.
    func presented(by event: SessionEvent) -> Presented {
        var presented = Presented()
        var candidates = 0
        var isAmbiguous = false
        var rejection: SessionActivity.Rejection?
        self.reader.forEachValue(in: event.request.headerFields) { value in
            presented.hasCookie = true
            candidates += 1
            guard candidates <= Self.maximumCandidates else {
                isAmbiguous = true
                return false
            }
            switch SignedToken.verify(value, signer: self.signer) {
            case .malformed: rejection = rejection ?? .malformed
            case .forged: rejection = .forged
            case .valid(let id, let secret):
                if let other = presented.credential, other.id != id { isAmbiguous = true }
                presented.credential = Credential(id: id, secret: secret)
            }
            return true
        }
        if isAmbiguous {
            presented.credential = nil
            rejection = .ambiguous
        }
        if let rejection { self.report(.rejected(rejection), nil) }
        return presented
    }
}
