public import HTTPTypes

extension SessionEvent {
    /// Puts the event's fields into those of a response whose head is sent next.
    ///
    /// From then on no session of the event can send a cookie: regenerating, logging in, creating a session, and any change of
    /// a sealed one throw ``SessionError/Code/headSent``. Reading, updating, destroying and revoking go on, as a stream of
    /// events does that outlives the head. Calling it again, for the response that an error becomes, is fine.
    ///
    /// A `Set-Cookie` replaces one of the same cookie and leaves the others (R20); `Vary` and `Cache-Control` are merged
    /// with what the response has (R23); any other field replaces.
    ///
    /// What the application says of caching stays: to a `Cache-Control: public, max-age=600` the session only adds
    /// `no-cache="Set-Cookie"` where it sends a cookie, and to a response that merely read the session nothing but
    /// `Vary: Cookie`. A cache that knows neither form (RFC 9111 §5.2.2.4 allows ignoring the former) keeps such a response,
    /// cookie and all: say `private` or `no-store` of pages that depend on who asks.
    public func apply(to fields: inout HTTPFields) {
        self.closeHead()
        let own = self.responseFields
        var replaced: Set<HTTPField.Name> = [.setCookie, .vary, .cacheControl]
        for field in own where replaced.insert(field.name).inserted {
            fields[fields: field.name] = own[fields: field.name]
        }
        for name in own[values: .vary].flatMap(HTTPFields.members) { fields.addVary(name) }
        for cookie in own[values: .setCookie] {
            let name = cookie.utf8.prefix { $0 != UInt8(ascii: "=") }
            fields.setCookie(cookie) {
                $0.utf8.starts(with: name) && $0.utf8.dropFirst(name.count).first == UInt8(ascii: "=")
            }
        }
        if fields[.cacheControl] == nil { fields[values: .cacheControl] = own[values: .cacheControl] }
        for name in self.unstorable where own[name] != nil { fields.forbidStoring(name) }
    }

    /// R20, R23: sends a cookie instead of one of the same name that was to be sent, and keeps caches from it.
    func setCookie(_ field: String, _ cookie: CookieWriter) {
        self.withUnstorable(.setCookie) { $0.setCookie(field, replacing: cookie.names) }
    }

    /// Sends a cookie of another name, and keeps caches from it.
    func addSetCookie(_ field: String) {
        self.withUnstorable(.setCookie) { $0.setCookie(field) { $0.utf8.elementsEqual(field.utf8) } }
    }

    /// Takes back a cookie that was to be sent.
    func unsetCookie(_ cookie: CookieWriter) {
        self.withResponseFields { fields in
            fields[values: .setCookie] = fields[values: .setCookie].filter { !cookie.names($0) }
        }
    }

    /// Sends a token in a header field, empty to take it back, and keeps caches from it.
    func setToken(_ token: String, _ name: HTTPField.Name) {
        self.withUnstorable(name) { $0[name] = token }
    }
}

extension HTTPFields {
    /// Adds a `Set-Cookie` instead of those that `isReplaced` picks.
    mutating func setCookie(_ field: String, replacing isReplaced: (String) -> Bool) {
        var values = self[values: .setCookie]
        values.removeAll(where: isReplaced)
        values.append(field)
        self[values: .setCookie] = values
    }

    /// Adds a field's name to `Vary` unless it is covered.
    mutating func addVary(_ name: String) {
        let members = Self.members(self[.vary] ?? "")
        guard !members.contains(where: { $0 == "*" || $0.lowercased() == name.lowercased() }) else { return }
        self[.vary] = (members + [name]).joined(separator: ", ")
    }

    /// Keeps a field out of caches: `no-store`, or as in `no-cache="Set-Cookie"` added to what the application says.
    mutating func forbidStoring(_ name: HTTPField.Name) {
        guard let present = self[.cacheControl], !present.isEmpty else {
            self[.cacheControl] = "no-store"
            return
        }
        let directives = Self.members(present.lowercased())
        let directive = "no-cache=\"\(name.rawName)\""
        guard !directives.contains("no-store"), !directives.contains(directive.lowercased()) else { return }
        self[.cacheControl] = "\(present), \(directive)"
    }

    /// Returns the members of a comma-separated list without blanks around them.
    static func members(_ list: String) -> [String] {
        list.split(separator: ",").compactMap { member in
            var member = member[...]
            while let first = member.utf8.first, first == 0x20 || first == 0x09 { member = member.dropFirst() }
            while let last = member.utf8.last, last == 0x20 || last == 0x09 { member = member.dropLast() }
            return member.isEmpty ? nil : String(member)
        }
    }
}
