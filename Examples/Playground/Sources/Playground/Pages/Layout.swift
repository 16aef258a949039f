/// What every page has around its content.
struct Layout {
    var title: String
    var badge: HTML = ""
    var content: HTML

    var html: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(self.title)</title>
        <link rel="icon" href="data:image/svg+xml,\(Self.icon)">
        <link rel="stylesheet" href="/style.css">
        <script type="module" src="/page.js"></script>
        </head>
        <body>
        <header class="top">
        <a class="brand" href="/"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9"/>\
        <path d="M11 8v16M21.5 8 12 17M15.5 14l6 10"/></svg><span>KVStorage</span> <em>playground</em></a>
        \(self.badge)
        </header>
        <main>
        \(self.content)
        </main>
        <footer><p>A session is one item in a key-value storage. Stop the server, start it again: it is still here.</p></footer>
        </body>
        </html>

        """
    }

    /// An icon as the data URL holds it.
    private static let icon: HTML = """
        %3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' \
        fill='%23e8590c'/%3E%3Cpath d='M11 8v16M21.5 8 12 17M15.5 14l6 10' fill='none' stroke='white' \
        stroke-width='3.2' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E
        """
}
