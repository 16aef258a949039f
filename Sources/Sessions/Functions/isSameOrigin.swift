import HTTPTypes

private let secFetchSite = HTTPField.Name("Sec-Fetch-Site")

/// Whether the browser vouches that a page of the same origin, or of one in the list, makes the request.
///
/// `Sec-Fetch-Site` decides where it is sent; otherwise `Origin` has to be the origin that the request goes to. A request
/// with neither does not come from a browser of this decade, or hides where from: the answer is `false`.
/// - Parameters:
///   - event: The request.
///   - origins: Further origins whose pages may write, as in `https://admin.example.org`.
///   - name: Which session; by default the one that was set up first. Its ``SessionOptions/proxies`` tell whether the
///     client's connection is encrypted.
/// - Throws: ``SessionError/Code/notStarted``.
public func isSameOrigin(
    _ event: SessionEvent,
    allowing origins: Set<String> = [],
    name: String? = nil
) throws(SessionError) -> Bool {
    let proxies = try event.requiredSlot(name).core.options.proxies
    let origin = event.request.headerFields[.origin]
    if let origin, origins.contains(origin) { return true }
    if let name = secFetchSite, let site = event.request.headerFields[name] { return site == "same-origin" }
    guard let origin, let authority = event.request.authority else { return false }
    return origin == "\(proxies.isSecure(event) ? "https" : "http")://\(authority)"
}
