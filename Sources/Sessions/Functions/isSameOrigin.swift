import HTTPTypes

private let secFetchSite = HTTPField.Name("Sec-Fetch-Site")

/// Whether the browser vouches that a page of the same origin, or of one in the list, makes the request.
///
/// The request's `Host` has to be one of ``SessionOptions/hosts``, where they are configured. Then `Sec-Fetch-Site` decides
/// where it is sent; otherwise `Origin` has to be the origin that the request goes to. A request with neither does not come
/// from a browser of this decade, or hides where from: the answer is `false`. As the response then depends on these fields,
/// `Vary` names them.
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
    let core = try event.requiredSlot(name).core
    event.withResponseFields { fields in
        fields.addVary("Sec-Fetch-Site")
        fields.addVary("Origin")
    }
    let isSecure = core.options.proxies.isSecure(event)
    if let hosts = core.forgery.hosts {
        guard let authority = event.request.authority, hosts.contains(authority, isSecure: isSecure) else {
            return false
        }
    }
    let origin = event.request.headerFields[.origin]
    if let origin, origins.contains(where: { $0.utf8.elementsEqual(origin.utf8) }) { return true }
    if let name = secFetchSite, let site = event.request.headerFields[name] {
        return site.utf8.elementsEqual("same-origin".utf8)
    }
    guard let origin, let authority = event.request.authority else { return false }
    return origin.utf8.elementsEqual("\(isSecure ? "https" : "http")://\(authority)".utf8)
}
