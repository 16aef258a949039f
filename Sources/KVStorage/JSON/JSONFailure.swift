/// What is wrong with a JSON text, or with a part of it for the type that it is read as; never anything of its content.
///
/// The underlying error of the `DecodingError`s of ``JSONStorageCodec``.
struct JSONFailure: Error, CustomStringConvertible {
    enum Reason: Sendable {
        /// The text is no JSON, from this byte on.
        case syntax(String, offset: Int)
        /// The text is JSON that is not read, as its limits are exceeded.
        case limit(String)
        /// A value is of another kind.
        case kind(expected: String, found: JSONKind)
        /// A value is of the kind and still none of the type.
        case value(String)
    }

    let reason: Reason

    init(_ reason: Reason) {
        self.reason = reason
    }

    /// Whether the text is no JSON at all.
    var isSyntax: Bool {
        if case .syntax = self.reason { true } else { false }
    }

    var description: String {
        switch self.reason {
        case .syntax(let what, let offset): "the text is no JSON: \(what) at byte \(offset)"
        case .limit(let what), .value(let what): what
        case .kind(let expected, let found): "expected \(expected), found \(found.rawValue)"
        }
    }

    static let depthLimit = JSONFailure(
        .limit("the text is nested deeper than \(JSONDocument.maximumDepth) levels, which is the limit"))
    static let sizeLimit = JSONFailure(.limit("the text is longer than 1 GiB, which is the limit"))
}

/// What a JSON value is.
enum JSONKind: String, Sendable {
    case null
    case boolean = "a boolean"
    case number = "a number"
    case string = "a string"
    case array = "an array"
    case object = "an object"
}
