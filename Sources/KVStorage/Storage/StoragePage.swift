/// One page of keys; see ``Storage/getPage(of:after:limit:maxDepth:)``.
public struct StoragePage: Sendable, Hashable {
    /// The keys, as the handle that was asked names them.
    public let keys: [String]
    /// What the next page begins behind; `nil` at the end. Letters, digits, `-` and `_`.
    public let cursor: String?

    /// Creates a page.
    public init(keys: [String], cursor: String? = nil) {
        self.keys = keys
        self.cursor = cursor
    }
}
