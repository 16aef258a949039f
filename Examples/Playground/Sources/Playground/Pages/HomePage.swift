import Sessions

/// The one page: the count, the notes, the account, and the session as it is stored.
struct HomePage {
    let visitor: Visitor
    let views: Int
    let store: Store
    /// What every form sends along, see `CSRFMiddleware`.
    let token: String
    var notice: String?
    var session: SessionInfo?
    var sessions: [SessionInfo] = []

    var html: HTML {
        Layout(
            title: "KVStorage playground",
            badge: self.badge,
            content: """
                \(self.message)
                <p class="notice" id="ended" role="alert" hidden></p>
                \(self.hero)
                <div class="columns">
                <div class="column">
                \(NotesCard(notes: self.visitor.notes, token: self.token).html)
                \(ScriptCard().html)
                </div>
                <div class="column">
                \(self.account)
                \(SessionCard(visitor: self.visitor).html)
                </div>
                </div>
                """
        ).html
    }

    private var badge: HTML {
        guard let user = self.session?.user else { return #"<p class="badge">Not logged in</p>"# }
        return #"<p class="badge on" id="user">\#(user)</p>"#
    }

    private var message: HTML {
        guard let notice = self.notice else { return "" }
        return #"<p class="notice" id="notice" role="status">\#(notice)</p>"#
    }

    private var hero: HTML {
        """
        <section class="card hero" aria-labelledby="count">
        <p class="eyebrow" id="count">Visits by this browser</p>
        <p class="count"><output id="visits">\(self.visitor.visits)</output></p>
        <p class="lead">\(self.greeting)</p>
        <p><a class="button" id="again" href="/">Visit again</a></p>
        <dl class="facts">
        <div><dt>First visit</dt><dd>\(HTML.time(self.visitor.since))</dd></div>
        <div><dt>Page views by everybody</dt><dd id="views"><a href="/statistics/views">\(self.views)</a></dd></div>
        <div><dt>Stored in</dt><dd><code>\(self.store.description)</code></dd></div>
        </dl>
        </section>
        """
    }

    private var greeting: HTML {
        switch self.visitor.visits {
        case 1: "Welcome. A session was just made for you; reload the page and it counts."
        case 2...9: "Good to see you again. The count lives in your session, on the server."
        default: "You seem to like it here. Restart the server: it won't forget you."
        }
    }

    private var account: HTML {
        guard let user = self.session?.user else { return LoginCard(token: self.token).html }
        return AccountCard(user: user, sessions: self.sessions, token: self.token).html
    }
}
