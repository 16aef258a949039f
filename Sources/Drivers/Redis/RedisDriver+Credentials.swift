extension RedisDriver {
    /// Whom a connection logs in as, by `AUTH`. Nothing that describes, prints or dumps it shows the password.
    public struct Credentials: Sendable, Hashable {
        /// The user's name; `nil` for the server's default user.
        public var username: String?
        /// The password, or the token that stands in its place.
        public var password: String {
            get { self.secret.value }
            set { self.secret = Secret(newValue) }
        }

        var secret: Secret

        /// Creates credentials.
        public init(username: String? = nil, password: String) {
            self.username = username
            self.secret = Secret(password)
        }
    }
}
