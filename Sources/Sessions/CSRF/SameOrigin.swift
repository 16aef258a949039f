import HTTPTypes

extension SessionEvent {
    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")

    /// Whether the browser says that a page of the same origin, or of one in the list, makes the request.
    ///
    /// `Sec-Fetch-Site` decides where it is sent; then `Origin` has to be the origin that the request goes to. A request with
    /// neither does not come from a browser of this decade, or hides where from.
    func isSameOrigin(allowing origins: Set<String>, _ core: SessionCore) -> Bool {
        let origin = self.request.headerFields[.origin]
        if let origin, origins.contains(origin) { return true }
        if let name = Self.fetchSite, let site = self.request.headerFields[name] { return site == "same-origin" }
        guard let origin, let authority = self.request.authority else { return false }
        let scheme = core.options.proxies.isSecure(self) ? "https" : "http"
        return origin == "\(scheme)://\(authority)"
    }
}
