import Foundation
import Testing

/// The playground as a visitor meets it: the built program, in a real browser.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct BrowserTests {
    @Test func theSessionLivesThroughAVisit() async throws {
        try await RunningPlayground.run { playground, driver in
            // The first visit, a click, a reload.
            let browser = try await playground.browser(driver, "first")
            try await browser.wait(for: Element.visits(1))
            try await browser.click("//a[@id='again']")
            try await browser.wait(for: Element.visits(2))
            try await browser.reload()
            try await browser.wait(for: Element.visits(3))
            #expect(try await browser.title() == "KVStorage playground")

            // Data of the visitor's own, shown as it was written; the notice is shown once.
            let hostile = #"<b>orange</b><script>document.title = "gone"</script>"#
            try await browser.keep("colour", hostile)
            #expect(try await browser.text("//li[.//b='colour']//span") == hostile)
            #expect(try await browser.title() == "KVStorage playground")
            try await browser.wait(for: Element.notice("Kept."))
            try await browser.wait(for: Element.visits(4))
            try await browser.reload()
            try await browser.wait(for: Element.visits(5))
            try await browser.wait(for: Element.noNotice)

            // The server goes and comes back; nothing is lost.
            #expect(await playground.server.stop() == 0)
            try await playground.restart()
            try await browser.reload()
            try await browser.wait(for: Element.visits(6))
            #expect(try await browser.text("//li[.//b='colour']//span") == hostile)

            // Logging in changes the cookie; the count and the notes come along, and no script can see the cookie.
            let visitorsCookies = try await browser.cookies()
            try await browser.logIn("Ada")
            try await browser.wait(for: Element.notice("Welcome, Ada. Your session has a new ID."))
            try await browser.wait(for: Element.visits(7))
            #expect(try await browser.text("//li[.//b='colour']//span") == hostile)
            let adasCookies = try await browser.cookies()
            #expect(adasCookies.count == 1)
            #expect(adasCookies.keys == visitorsCookies.keys)
            #expect(adasCookies != visitorsCookies)
            #expect(try await browser.scriptCookies() == "")
            try await self.keepPicture(of: browser)

            // Logging out ends the session with all it held.
            try await browser.click("//form[@id='logout-form']//button")
            try await browser.wait(for: Element.loggedOut)
            try await browser.wait(for: Element.visits(1))
            try await browser.wait(for: "//p[@class='empty'][.='Nothing yet.']")
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func aFormWithoutTheSessionsTokenChangesNothingAndIsShownAnew() async throws {
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            try await browser.wait(for: Element.visits(1))
            for change in ["token.value = token.value.replace(/^./, (c) => c === 'A' ? 'B' : 'A')", "token.remove()"] {
                let _: Bool = try await browser.run(
                    """
                    const token = document.querySelector("#note-form [name=csrf_token]");
                    \(change);
                    return true;
                    """
                )
                try await browser.keep("colour", "orange")
                try await browser.wait(
                    for: Element.notice("The page was out of date, so nothing was changed. Please try again."))
                try await browser.wait(for: "//p[@class='empty'][.='Nothing yet.']")
            }
            try await browser.wait(for: Element.visits(3))
            try await browser.keep("colour", "orange")
            try await browser.wait(for: Element.notice("Kept."))
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func loggingOutEverywhereReachesTheOtherBrowser() async throws {
        try await RunningPlayground.run { playground, driver in
            let first = try await playground.browser(driver, "first")
            try await first.logIn("Ada")
            let second = try await playground.browser(driver, "second")
            try await second.wait(for: Element.loggedOut)
            try await second.logIn("Ada")
            let other = try await playground.browser(driver, "third")
            try await other.logIn("Bob")

            // One session by itself, from the list.
            try await first.reload()
            try await first.click("//ul[@id='sessions'][count(li)=2]/li[.//b='Another browser']//button")
            try await first.wait(for: Element.notice("That browser is logged out."))
            try await first.wait(for: "//ul[@id='sessions'][count(li)=1]/li[.//b='This browser']")
            // It says so by itself, before anybody loads its page again.
            try await second.wait(for: "//p[@id='ended'][not(@hidden)][contains(., 'Load the page again')]")
            try await second.reload()
            try await second.wait(for: Element.loggedOut)
            try await second.wait(for: Element.visits(1))

            // All of them.
            try await second.logIn("Ada")
            try await second.reload()
            try await second.wait(for: Element.visits(3))
            try await first.click("//form[@id='everywhere-form']//button")
            try await first.wait(for: Element.loggedOut)
            try await first.wait(for: Element.visits(1))
            try await second.reload()
            try await second.wait(for: Element.loggedOut)
            try await second.wait(for: Element.visits(1))
            try await other.reload()
            try await other.wait(for: Element.user("Bob"))
            #expect(await playground.server.stop() == 0)
        }
    }

    /// Leaves a picture of the page in the file that `SCREENSHOT` names, for whoever wants to look at it.
    private func keepPicture(of browser: Browser) async throws {
        guard let path = ProcessInfo.processInfo.environment["SCREENSHOT"] else { return }
        try await browser.screenshot().write(to: URL(filePath: path))
    }
}
