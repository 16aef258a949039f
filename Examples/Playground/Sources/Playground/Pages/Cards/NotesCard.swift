/// What the visitor keeps in the session with plain forms.
struct NotesCard {
    let notes: [Visitor.Note]
    let token: String

    var html: HTML {
        """
        <section class="card" aria-labelledby="notes-title">
        <h2 id="notes-title">Notes</h2>
        <p class="hint">Whatever you keep here goes into your session. Works without scripts.</p>
        \(self.list)
        <form class="stack" method="post" action="/notes" id="note-form">
        \(HTML.csrfField(self.token))
        <label>Name <input name="name" required maxlength="\(Visitor.maximumNameLength)" autocomplete="off" \
        placeholder="favourite colour"></label>
        <label>Value <input name="value" required maxlength="\(Visitor.maximumValueLength)" autocomplete="off" \
        placeholder="orange"></label>
        <button>Keep it</button>
        </form>
        </section>
        """
    }

    private var list: HTML {
        guard !self.notes.isEmpty else { return #"<p class="empty">Nothing yet.</p>"# }
        let rows = self.notes.map { note -> HTML in
            """
            <li><div><b>\(note.name)</b><span>\(note.value)</span></div>
            <form method="post" action="/notes/remove">
            \(HTML.csrfField(self.token))
            <input type="hidden" name="name" value="\(note.name)">
            <button class="quiet" aria-label="Remove \(note.name)">Remove</button>
            </form></li>
            """
        }
        return #"<ul class="notes">\#(rows)</ul>"#
    }
}
