import Foundation
import KVStorage

/// The session's data as it is stored; `page.js` keeps it up to date.
struct SessionCard {
    let visitor: Visitor

    var html: HTML {
        """
        <section class="card" aria-labelledby="session-title">
        <h2 id="session-title">Your session's data</h2>
        <p class="hint">As a <code>Codable</code> value, in JSON. The cookie holds its signed ID and nothing else.</p>
        <pre id="session" tabindex="0">\(self.json)</pre>
        </section>
        """
    }

    private var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        guard let data = try? encoder.encode(self.visitor) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}
