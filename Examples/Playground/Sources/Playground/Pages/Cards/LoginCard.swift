/// What a visitor sees who is not logged in.
struct LoginCard {
    let token: String

    var html: HTML {
        """
        <section class="card" aria-labelledby="account-title">
        <h2 id="account-title">Log in</h2>
        <p class="hint">Any name will do. Your session gets a new ID; the count and the notes come along.</p>
        <form class="stack" method="post" action="/login" id="login-form">
        \(HTML.csrfField(self.token))
        <label>Your name <input name="name" required maxlength="\(Visitor.maximumNameLength)" \
        autocomplete="username" placeholder="Ada"></label>
        <button>Log in</button>
        </form>
        </section>
        """
    }
}
