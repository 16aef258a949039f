import Testing

@testable import Playground

@Suite struct HTMLTests {
    @Test func textIsEscapedAndHTMLIsNot() {
        let hostile = #"</p><script>alert("1" + '2')</script>&amp;"#
        let inner: HTML = "<p>\(hostile)</p>"
        let expected =
            "<p>&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot; + &#39;2&#39;)&lt;/script&gt;&amp;amp;</p>"
        #expect(inner.source == expected)
        let outer: HTML = "<div>\(inner)\([inner, "<br>"])\(3)</div>"
        #expect(outer.source == "<div>\(expected)\(expected)<br>3</div>")
    }

    @Test func whatVisitorsWriteIsEscapedOnThePage() throws {
        let hostile = #"<img src=x onerror="alert(1)">"#
        var visitor = Visitor()
        try visitor.setNote(hostile, hostile)
        visitor.motto = hostile
        let page = HomePage(visitor: visitor, views: 1, store: .memory, token: hostile, notice: hostile).html.source
        #expect(!page.contains("<img"))
        #expect(page.contains("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"))
        let account = AccountCard(user: hostile, sessions: [], token: hostile).html.source
        #expect(!account.contains("<img"))
    }
}
