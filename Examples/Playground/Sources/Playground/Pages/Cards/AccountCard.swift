import Sessions

/// Where the user is logged in, and the ways out.
struct AccountCard {
    let user: String
    let sessions: [SessionInfo]
    let token: String

    var html: HTML {
        """
        <section class="card" aria-labelledby="account-title">
        <h2 id="account-title">Hello, \(self.user)</h2>
        <p class="hint">You are logged in here:</p>
        <ul class="notes" id="sessions">\(self.sessions.map(self.row))</ul>
        <div class="buttons">
        <form method="post" action="/logout" id="logout-form">
        \(HTML.csrfField(self.token))
        <button class="danger">Log out</button>
        </form>
        <form method="post" action="/logout/everywhere" id="everywhere-form">
        \(HTML.csrfField(self.token))
        <button class="danger">Log out everywhere</button>
        </form>
        </div>
        </section>
        """
    }

    private func row(_ session: SessionInfo) -> HTML {
        let times: HTML =
            """
            <span class="device">\(session.userAgent ?? "Unknown")</span>
            <span>since \(HTML.time(session.created))</span><span>until \(HTML.time(session.expires))</span>
            """
        guard !session.isCurrent else { return "<li><div><b>This browser</b>\(times)</div></li>" }
        return """
            <li><div><b>Another browser</b>\(times)</div>
            <form method="post" action="/sessions/end">
            \(HTML.csrfField(self.token))
            <input type="hidden" name="session" value="\(session.handle)">
            <button class="quiet">Log it out</button>
            </form></li>
            """
    }
}
