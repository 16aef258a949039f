public import KVStorage

/// What a user may know of one of their sessions, to recognise and to end it.
public struct SessionInfo: Sendable, Hashable {
    /// Names the session to ``revokeSession(_:of:_:)``. It is a hash of the ID: nobody gets in with it.
    public let handle: String
    /// Whose session it is, if it is authenticated.
    public let user: String?
    /// When it was created or last authenticated.
    public let created: Timestamp
    /// When activity was last noted, see ``SessionOptions/touchInterval``.
    public let lastSeen: Timestamp
    /// When it ends unless there is activity before.
    public let expires: Timestamp

    init(handle: String, record: SessionRecord, limits: SessionLimits) {
        self.handle = handle
        self.user = record.user
        self.created = record.created
        self.lastSeen = record.seen
        self.expires = record.deadline(limits)
    }
}
