public import KVStorage

/// What a user may know of one of their sessions, to recognise and to end it.
public struct SessionInfo: Sendable, Hashable {
    /// Names the session to ``revokeSession(_:of:_:)``, as long as it lives, whatever its ID is. It is a hash of a part of the
    /// ID: nobody gets in with it.
    public let handle: String
    /// Whose session it is, if it is authenticated.
    public let user: String?
    /// When it was created or last authenticated.
    public let created: Timestamp
    /// When its user last proved who they are; `nil` without a user.
    public let authenticated: Timestamp?
    /// The methods by which the user proved it, as logins named them, and when each was last used.
    public let methods: [String: Timestamp]
    /// When activity was last noted, see ``SessionOptions/touchInterval``.
    public let lastSeen: Timestamp
    /// When it ends unless there is activity before.
    public let expires: Timestamp
    /// When it ends however active it is.
    public let end: Timestamp
    /// Whether its user chose that it outlive the browser; `nil`: as configured.
    public let isPersistent: Bool?
    /// The client's `User-Agent` at the login, or what ``SessionDevices/userAgent`` made of it. Anybody can send any text in
    /// it: escape it where it is shown.
    public let userAgent: String?
    /// The client's address at the login, as far as ``SessionDevices/address`` says.
    public let address: String?
    /// What the application named it at the login.
    public let label: String?
    /// What the application says the session hangs on.
    public let identifier: String?
    /// Whether it is the session of the request that asks.
    public let isCurrent: Bool

    init(handle: String, record: SessionRecord, core: SessionCore, isCurrent: Bool) {
        self.handle = handle
        self.user = record.user
        self.created = record.created
        self.authenticated = record.user == nil ? nil : record.authenticated ?? record.created
        self.methods = record.methods
        self.lastSeen = record.seen
        self.expires = core.deadline(record)
        self.end = core.end(record)
        self.isPersistent = record.isPersistent
        self.userAgent = record[text: "agent"]
        self.address = record["address"]
        self.label = record[text: "label"]
        self.identifier = record.identifier
        self.isCurrent = isCurrent
    }
}
