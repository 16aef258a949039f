/// What a script does with the session, through the client that the session's routes serve. `page.js` enables it.
struct ScriptCard {
    private static let draft = """
        {
          "motto": "Festina lente",
          "data": { "colours": ["orange", "grey"], "lucky": 7 }
        }
        """

    var html: HTML {
        """
        <section class="card" aria-labelledby="script-title">
        <h2 id="script-title">From a script</h2>
        <p class="hint">A page's script may write the fields <code>motto</code> and <code>data</code>, whatever is in them, \
        and nothing else. Try another field.</p>
        <noscript><p class="empty">This needs JavaScript. Everything else here does not.</p></noscript>
        <fieldset class="stack" id="script" disabled aria-describedby="script-status">
        <label>Fields, in JSON <textarea id="draft" rows="5" spellcheck="false">\(Self.draft)</textarea></label>
        <div class="buttons">
        <button type="button" data-call="update">Update</button>
        <button type="button" class="quiet" data-call="overwrite">Overwrite</button>
        <button type="button" class="quiet" data-call="refresh">Refresh</button>
        <button type="button" class="quiet" data-call="reset">Reset</button>
        <button type="button" class="quiet" data-call="remove">Remove</button>
        </div>
        </fieldset>
        <p class="status" id="script-status" role="status"></p>
        </section>
        """
    }
}
