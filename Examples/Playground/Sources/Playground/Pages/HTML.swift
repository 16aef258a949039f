import HTTPTypes
import Hummingbird

/// A piece of HTML, written as a string literal. Text that is put into one is escaped; only HTML goes in as it is.
struct HTML: Sendable, Equatable {
    let source: String

    /// Returns the text as it has to stand in HTML, between tags or in a quoted attribute.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension HTML: ExpressibleByStringInterpolation {
    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            self.source.reserveCapacity(literalCapacity)
        }

        mutating func appendLiteral(_ literal: String) {
            self.source += literal
        }

        mutating func appendInterpolation(_ text: String) {
            self.source += HTML.escape(text)
        }

        mutating func appendInterpolation(_ number: Int) {
            self.source += "\(number)"
        }

        mutating func appendInterpolation(_ html: HTML) {
            self.source += html.source
        }

        mutating func appendInterpolation(_ parts: [HTML]) {
            for part in parts { self.source += part.source }
        }
    }

    init(stringLiteral value: String) {
        self.source = value
    }

    init(stringInterpolation: StringInterpolation) {
        self.source = stringInterpolation.source
    }
}

extension HTML {
    /// Returns the response that carries it.
    func response(status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: self.source))
        )
    }
}
