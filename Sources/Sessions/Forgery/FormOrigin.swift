import HTTPTypes

/// Returns the path and query of the page that a request was sent from, if its `Referer` says one of this origin.
///
/// It is fit for a redirect: it starts with one slash, so that it can't lead to another host.
package func pathOfOwnPage(_ event: SessionEvent, name: String? = nil) throws(SessionError) -> String? {
    let proxies = try event.requiredSlot(name).core.options.proxies
    guard let referer = event.request.headerFields[.referer], let authority = event.request.authority else {
        return nil
    }
    let origin = "\(proxies.isSecure(event) ? "https" : "http")://\(authority)"
    guard referer.utf8.starts(with: origin.utf8) else { return nil }
    let path = referer.utf8.dropFirst(origin.utf8.count)
    guard path.first == UInt8(ascii: "/"), path.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
        path.dropFirst().first != UInt8(ascii: "/")
    else { return nil }
    return String(decoding: path.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
}
