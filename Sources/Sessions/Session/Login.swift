import KVStorage

/// What is known of a user who has just proved who they are.
struct Login: Sendable {
    /// The longest user, identifier and method in bytes.
    static let maximumBytes = 1024

    var user: String
    var isPersistent: Bool?
    var methods: [String]
    var identifier: String?
    var label: String?

    /// Throws unless records and keys can hold it.
    func check() throws(SessionError) {
        for text in [self.user] + self.methods + (self.identifier.map { [$0] } ?? []) {
            guard !text.isEmpty, text.utf8.count <= Self.maximumBytes else {
                throw SessionError(
                    .invalidUser,
                    "a user, an identifier and a method have 1 to \(Self.maximumBytes) bytes, one has \(text.utf8.count)"
                )
            }
        }
    }
}

extension SessionSlot {
    /// Makes a record that of a user who logs in now: the absolute limit, the idle limit and the times of what they proved.
    ///
    /// What they proved earlier by other methods, their choice to be remembered and their identifier stay where the login
    /// does not say.
    func logIn(_ login: Login, _ record: inout SessionRecord, _ event: SessionEvent) async throws(SessionError) {
        let now = self.core.clock.now
        record.user = login.user
        record.isPersistent = login.isPersistent ?? record.isPersistent
        record.limits = self.core.limits(of: record)
        record.created = now
        record.seen = now
        record.authenticated = now
        for method in login.methods { record[method: method] = now }
        record.identifier = login.identifier ?? record.identifier
        record.previous = nil
        record["pin"] = nil
        try self.core.pin(&record, event)
        self.core.noteDevice(&record, event, label: login.label ?? record[text: "label"])
        record.epochs = try await self.core.currentEpochs(user: login.user, identifier: record.identifier).map(\.token)
    }
}
