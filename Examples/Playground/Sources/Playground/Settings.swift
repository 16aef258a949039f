/// What the environment tells.
struct Settings {
    /// `PORT`: where to listen on 127.0.0.1, 3000 by default; 0 takes a free one.
    var port = 3000
    /// `STORE`: where the data lives, `sqlite:data/playground.db` by default.
    var store = Store.sqlite(path: "data/playground.db")
    /// `SESSION_SECRET`: signs the cookies, at least 32 bytes; by default one that is made once and kept beside the store's
    /// files, or with each start where there are none, as with Redis.
    var sessionSecret: String?

    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    init(environment: [String: String]) throws {
        if let text = environment["PORT"], !text.isEmpty {
            guard let port = Int(text), (0...65535).contains(port) else {
                throw Invalid(description: "PORT is \"\(text)\", not a port number")
            }
            self.port = port
        }
        if let text = environment["STORE"], !text.isEmpty { self.store = try Store(text) }
        if let text = environment["SESSION_SECRET"], !text.isEmpty { self.sessionSecret = text }
    }

    /// Returns the secret that signs the cookies: a restart must find the same, or it would forget every visitor.
    func secret() throws -> String {
        if let secret = self.sessionSecret { return secret }
        guard let folder = self.store.folder else { return SecretFile.makeSecret() }
        return try SecretFile(path: "\(folder)/session-secret").readOrCreate()
    }
}
