import KVStorage

/// What a URL says about a server.
struct URL: Hashable {
    /// Where the server is; for a cluster some of its nodes.
    var endpoints: [Endpoint]
    var isCluster = false
    /// The name of the service that the endpoints, which are sentinels then, watch over.
    var service: String?
    var isEncrypted = false
    var username: String?
    var password: Secret?
    var database: Int?

    /// Parses one of the forms that `.redis(_:_:)` takes.
    ///
    /// - Throws: `StorageError.Code.invalidOption`, without the URL, as it may hold a password.
    init(_ url: String) throws(StorageError) {
        let parts = try Self.split(url)
        let (userinfo, place) = Self.divideAtLast(parts.authority, UInt8(ascii: "@"))
        switch parts.scheme {
        case "unix":
            guard place.isEmpty, let path = Self.decoded(parts.path), path.utf8.count > 1 else {
                throw Self.error("has no absolute path after unix://")
            }
            self.endpoints = [.path(path)]
        case "redis", "rediss":
            self.isEncrypted = parts.scheme == "rediss"
            self.endpoints = [try Self.endpoint(place)]
            self.database = try Self.database(ofPath: parts.path)
        case "redis-cluster", "rediss-cluster":
            self.isCluster = true
            self.isEncrypted = parts.scheme == "rediss-cluster"
            self.endpoints = []
            for node in place.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                self.endpoints.append(try Self.endpoint(node))
            }
            self.database = try Self.database(ofPath: parts.path)
        case "redis-sentinel", "rediss-sentinel":
            self.isEncrypted = parts.scheme == "rediss-sentinel"
            self.endpoints = []
            for node in place.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                self.endpoints.append(try Self.endpoint(node, defaultPort: 26_379))
            }
            let path = parts.path.dropFirst()
            let end = path.firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
            // Sentinels publish it between spaces.
            guard let service = Self.decoded(path[..<end]), !service.isEmpty, service.utf8.allSatisfy({ $0 > 0x20 })
            else { throw Self.error("names no service; write redis-sentinel://host,host/service") }
            self.service = service
            self.database = try Self.database(ofPath: path[end...])
        default:
            throw Self.error(
                "begins with none of redis://, rediss://, redis-cluster://, rediss-cluster://, redis-sentinel://, "
                    + "rediss-sentinel:// and unix://")
        }
        if let userinfo { try self.readUserinfo(userinfo) }
        if let query = parts.query { try self.readQuery(query, allowsDatabase: parts.scheme == "unix") }
    }

    // MARK: - Parts

    private typealias Text = Substring.UTF8View

    private static func split(
        _ url: String
    ) throws(StorageError) -> (scheme: String, authority: Text, path: Text, query: Text?) {
        guard let colon = url.utf8.firstIndex(of: UInt8(ascii: ":")), url.utf8[colon...].starts(with: "://".utf8) else {
            throw Self.error("has no scheme; write redis://host")
        }
        guard !url.utf8.contains(UInt8(ascii: "#")), url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw Self.error("holds a \"#\", a space or a control character; percent-encode it")
        }
        var rest = url.utf8[url.utf8.index(colon, offsetBy: 3)...]
        var query: Text?
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        return (url[..<colon].lowercased(), rest[..<slash], rest[slash...], query)
    }

    private static func divideAtLast(_ text: Text, _ separator: UInt8) -> (before: Text?, after: Text) {
        guard let index = text.lastIndex(of: separator) else { return (nil, text) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func endpoint(_ text: Text, defaultPort: Int = 6379) throws(StorageError) -> Endpoint {
        var host = text
        var port: Text?
        if text.first == UInt8(ascii: "["), let end = text.firstIndex(of: UInt8(ascii: "]")) {
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw Self.error("has no port after \"]\"") }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard let name = Self.decoded(host), !name.isEmpty, !name.utf8.contains(0) else {
            throw Self.error("names no host")
        }
        guard !host.contains(UInt8(ascii: ",")) else {
            throw Self.error(
                "names several hosts; nodes of a cluster stand after redis-cluster:// or rediss-cluster://")
        }
        guard let number = port.map(Self.number) ?? defaultPort, (1...65_535).contains(number) else {
            throw Self.error("has a port that is no number from 1 to 65535; put an IPv6 address in brackets")
        }
        return .host(name, port: number)
    }

    private static func database(ofPath path: Text) throws(StorageError) -> Int? {
        let text = path.dropFirst()
        if text.isEmpty { return nil }
        guard let number = Self.number(text) else { throw Self.error("has a path that is no database number") }
        return number
    }

    private mutating func readUserinfo(_ text: Text) throws(StorageError) {
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        guard let user = Self.decoded(text[..<colon]), let password = Self.decoded(text[colon...].dropFirst()) else {
            throw Self.error("has a user or a password with a bad percent-encoding")
        }
        guard colon != text.endIndex, !password.isEmpty else {
            throw Self.error(
                "names a user without a password; write redis://user:password@host or redis://:password@host")
        }
        self.username = user.isEmpty ? nil : user
        self.password = Secret(password)
    }

    private mutating func readQuery(_ text: Text, allowsDatabase: Bool) throws(StorageError) {
        let expected = "db=".utf8
        guard allowsDatabase, text.starts(with: expected), let number = Self.number(text.dropFirst(expected.count))
        else {
            throw Self.error(
                "has a query other than ?db=number after a unix path; options belong into the configuration")
        }
        self.database = number
    }

    private static func number(_ text: Text) -> Int? {
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(Substring(text))
    }

    private static func decoded(_ text: Text) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func error(_ problem: String) -> StorageError {
        StorageError(.invalidOption, "the Redis URL \(problem)")
    }
}
