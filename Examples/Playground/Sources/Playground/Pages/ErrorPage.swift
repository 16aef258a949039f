import HTTPTypes

/// What a visitor sees when something is wrong.
struct ErrorPage {
    let status: HTTPResponse.Status
    let message: String?

    var html: HTML {
        Layout(
            title: "\(self.status.reasonPhrase) · KVStorage playground",
            content: """
                <section class="card hero">
                <p class="eyebrow">Error \(self.status.code)</p>
                <h1>\(self.status.reasonPhrase)</h1>
                <p class="lead">\(self.message ?? "There is nothing here.")</p>
                <p><a class="button" href="/">Back to the page</a></p>
                </section>
                """
        ).html
    }
}
