import Foundation

/// The one page: the count, the notes, the account, and the session as it is stored.
struct HomePage {
    let visitor: Visitor
    let views: Int
    let store: Store

    var html: HTML {
        Layout(
            title: "KVStorage playground",
            badge: self.badge,
            content: """
                <section class="card hero" aria-labelledby="count">
                <p class="eyebrow" id="count">Visits by this browser</p>
                <p class="count"><output id="visits">\(self.visitor.visits)</output></p>
                <p class="lead">\(self.greeting)</p>
                <p><a class="button" id="again" href="/">Visit again</a></p>
                <dl class="facts">
                <div><dt>First visit</dt><dd>\(self.since)</dd></div>
                <div><dt>Page views by everybody</dt><dd id="views">\(self.views)</dd></div>
                <div><dt>Stored in</dt><dd><code>\(self.store.description)</code></dd></div>
                </dl>
                </section>
                <div class="columns">
                \(self.notes)
                <div class="column">
                \(self.account)
                \(self.session)
                </div>
                </div>
                """
        ).html
    }

    private var badge: HTML {
        guard let user = self.visitor.user else { return #"<p class="badge">Not logged in</p>"# }
        return #"<p class="badge on" id="user">\#(user)</p>"#
    }

    private var greeting: HTML {
        switch self.visitor.visits {
        case 1: "Welcome. A session was just made for you; reload the page and it counts."
        case 2...9: "Good to see you again. The count lives in your session, on the server."
        default: "You seem to like it here. Restart the server: it won't forget you."
        }
    }

    private var since: HTML {
        let time = self.visitor.since.formatted(.iso8601)
        let text = self.visitor.since.formatted(
            .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false)
        )
        return #"<time datetime="\#(time)">\#(text) UTC</time>"#
    }

    private var notes: HTML {
        let rows = self.visitor.notes.map { note -> HTML in
            """
            <li><div><b>\(note.name)</b><span>\(note.value)</span></div>
            <form method="post" action="/notes/remove">
            <input type="hidden" name="name" value="\(note.name)">
            <button class="quiet" aria-label="Remove \(note.name)">Remove</button>
            </form></li>
            """
        }
        let list: HTML = rows.isEmpty ? #"<p class="empty">Nothing yet.</p>"# : #"<ul class="notes">\#(rows)</ul>"#
        return """
            <section class="card" aria-labelledby="notes-title">
            <h2 id="notes-title">Notes</h2>
            <p class="hint">Whatever you keep here goes into your session.</p>
            \(list)
            <form class="stack" method="post" action="/notes" id="note-form">
            <label>Name <input name="name" required maxlength="\(Visitor.maximumNameLength)" autocomplete="off" \
            placeholder="favourite colour"></label>
            <label>Value <input name="value" required maxlength="\(Visitor.maximumValueLength)" autocomplete="off" \
            placeholder="orange"></label>
            <button>Keep it</button>
            </form>
            </section>
            """
    }

    private var account: HTML {
        guard let user = self.visitor.user else {
            return """
                <section class="card" aria-labelledby="account-title">
                <h2 id="account-title">Log in</h2>
                <p class="hint">Any name will do. Your session gets a new ID and keeps its data.</p>
                <form class="stack" method="post" action="/login" id="login-form">
                <label>Your name <input name="name" required maxlength="\(Visitor.maximumNameLength)" \
                autocomplete="username" placeholder="Ada"></label>
                <button>Log in</button>
                </form>
                </section>
                """
        }
        return """
            <section class="card" aria-labelledby="account-title">
            <h2 id="account-title">Hello, \(user)</h2>
            <p class="hint">Your session has had a new ID since you logged in. Logging out destroys it with all it holds.</p>
            <form class="stack" method="post" action="/logout" id="logout-form">
            <button class="danger">Log out</button>
            </form>
            </section>
            """
    }

    private var session: HTML {
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
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        guard let data = try? encoder.encode(self.visitor) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}
