import Testing

/// The browser client in a real browser: through the page's own script, and called by the tests.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct ClientTests {
    private static let enabled = "//fieldset[@id='script'][not(@disabled)]"

    private static func status(_ text: String) -> String { "//*[@id='script-status'][contains(., '\(text)')]" }

    private static func session(_ text: String) -> String { "//pre[@id='session'][contains(., '\(text)')]" }

    private func write(_ json: String, _ call: String, _ browser: Browser) async throws {
        try await browser.replaceText(of: "//textarea[@id='draft']", with: json)
        try await browser.click("//button[@data-call='\(call)']")
    }

    @Test func thePagesScriptUsesTheSession() async throws {
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            try await browser.wait(for: Self.enabled)

            try await self.write(#"{"motto":"Festina lente","data":{"lucky":[7,null,"é"]}}"#, "update", browser)
            try await browser.wait(for: Self.status("Updated"))
            try await browser.wait(for: Self.session("Festina lente"))

            // A refused write says why and changes nothing; so does what is no JSON.
            try await self.write(#"{"motto":"Carpe diem","visits":1000}"#, "update", browser)
            try await browser.wait(for: Self.status("names a field that is not writable"))
            try await browser.wait(for: Self.session("Festina lente"))
            try await self.write("{", "update", browser)
            try await browser.wait(for: Self.status("This is not JSON"))

            // Another page has it too; overwriting leaves only what is given.
            try await browser.reload()
            try await browser.wait(for: Self.enabled)
            try await browser.wait(for: Self.session("Festina lente"))
            try await self.write(#"{"data":"only this"}"#, "overwrite", browser)
            try await browser.wait(for: Self.status("Overwritten"))
            try await browser.wait(for: "//pre[@id='session'][contains(., 'only this')][not(contains(., 'Festina'))]")
            try await browser.wait(for: Self.session(#""visits": 2"#))

            try await browser.click("//button[@data-call='remove']")
            try await browser.wait(for: Self.session("There is no session."))
            #expect(try await browser.cookies().isEmpty)
            try await browser.reload()
            try await browser.wait(for: Element.visits(1))

            try await browser.wait(for: Self.enabled)
            try await browser.click("//button[@data-call='reset']")
            try await browser.wait(for: Self.status("A new start"))
            try await browser.wait(for: Self.session("There is no session."))
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func theOtherTabsFollow() async throws {
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            try await browser.wait(for: Self.enabled)
            let first = try await browser.openTab()
            try await browser.open(playground.url)
            try await browser.wait(for: Self.enabled)
            try await self.write(#"{"motto":"Festina lente"}"#, "update", browser)
            try await browser.wait(for: Self.status("Updated"))
            try await browser.goToTab(first)
            try await browser.wait(for: Self.session("Festina lente"))
            try await browser.click("//button[@data-call='remove']")
            try await browser.wait(for: Self.session("There is no session."))
            _ = try await browser.openTab()
            try await browser.open(playground.url)
            try await browser.wait(for: Element.visits(1))
            try await browser.goToTab(first)
            try await browser.wait(for: Self.session(#""visits": 1"#))
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func theEndIsKnownBeforeItComes() async throws {
        struct Outcome: Decodable {
            var left: Double
            var told: Double
            var methods: [String]
        }
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            let outcome: Outcome = try await browser.run(
                """
                const { useSession } = await import("/api/session/client.js");
                const methods = [];
                const watched = (url, init) => { methods.push(init.method); return fetch(url, init); };
                const day = 86_400_000;
                const { session, onExpiring } = await useSession({ fetch: watched, fetchOnInit: true, warnBefore: day });
                const { expires } = session;
                await new Promise((resolve) => onExpiring(resolve));
                return { left: expires - Date.now(), told: session.expires - Date.now(), methods };
                """
            )
            // The playground's sessions last a day.
            #expect(outcome.left > 86_000_000 && outcome.left <= 86_400_000)
            #expect(outcome.told > 86_000_000 && outcome.told <= 86_400_000)
            #expect(outcome.methods.first == "GET")
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func callsSettleInTheirOrderAndTellWhoSubscribed() async throws {
        struct Seen: Decodable {
            var settled: [[Int]]
            var wasPending: [Bool]
            var isPending: Bool
            var shown: [Int?]
            var afterwards: Int
        }
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            let seen: Seen = try await browser.run(
                """
                const { useSession } = await import("/api/session/client.js");
                const { session, update, subscribe } = await useSession();
                const shown = [], settled = [];
                const unsubscribe = subscribe(({ data }) => shown.push(data.data ?? null));
                const calls = [1, 2, 3].map((number) => update({ data: number }));
                const wasPending = [session.pending, ...calls.map((call) => call.pending)];
                await Promise.all(
                  calls.map((call, index) => call.then(({ data }) => settled.push([index + 1, data.data]))),
                );
                unsubscribe();
                const { data } = await update({ data: 4 });
                return {
                  settled, wasPending, isPending: session.pending || calls.some((call) => call.pending),
                  shown: shown.filter((value, index) => index === 0 || value !== shown[index - 1]), afterwards: data.data,
                };
                """
            )
            #expect(seen.settled == [[1, 1], [2, 2], [3, 3]])
            #expect(seen.wasPending == [true, true, true, true])
            #expect(!seen.isPending)
            #expect(seen.shown == [nil, 1, 2, 3])
            #expect(seen.afterwards == 4)
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func noFailureBecomesTheSession() async throws {
        struct Failure: Decodable, Equatable {
            var code: String
            var status: Int
            var visits: Int?
        }
        let failed = """
            const failed = ({ error, data }) => ({ code: error.code, status: error.status, visits: data?.visits ?? null });
            """
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            let failures: [Failure] = try await browser.run(
                """
                \(failed)
                const { useSession } = await import("/api/session/client.js");
                globalThis.used = await useSession();
                const { session, update, overwrite } = globalThis.used;
                const nowhere = await useSession({ basePath: "/nothing/here" });
                const page = await useSession({ basePath: "/statistics/views" });
                const lost = await useSession({ basePath: "/notes", fetchOnInit: false });
                return [
                  failed(await update({ visits: 1000 })), failed(session), failed(await overwrite({ since: 5 })),
                  failed(nowhere.session), failed(await lost.update({})),
                  failed(page.session), failed(await page.update({})),
                ];
                """
            )
            #expect(
                failures == [
                    Failure(code: "not_writable", status: 400, visits: 1),
                    Failure(code: "not_writable", status: 400, visits: 1),
                    Failure(code: "not_writable", status: 400, visits: 1),
                    Failure(code: "http", status: 404), Failure(code: "http", status: 404),
                    Failure(code: "invalid_response", status: 200), Failure(code: "http", status: 405),
                ]
            )
            #expect(await playground.server.stop() == 0)
            let lost: Failure = try await browser.run("\(failed) return failed(await globalThis.used.refresh());")
            #expect(lost == Failure(code: "network", status: 0, visits: 1))
        }
    }

    @Test func whatIsNotEnabledThrowsBeforeAnyRequest() async throws {
        struct Outcome: Decodable {
            var errors: [String]
            var sent: [String]
        }
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            let outcome: Outcome = try await browser.run(
                """
                const { useSession } = await import("/api/session/client.js");
                const sent = [], errors = [];
                const watched = (url, init) => { sent.push(init.method); return fetch(url, init); };
                const { refresh, update, reset } = await useSession({ methods: ["GET"], fetch: watched });
                for (const call of [() => update({ motto: "x" }), reset, () => update("text"), () => refresh()]) {
                  try { await call(); } catch (error) { errors.push(`${error.name}: ${error.message}`); }
                }
                // A server that was not asked before tells it with its first refusal.
                const storage = await useSession({ basePath: "/statistics/views", fetch: watched });
                await storage.update({});
                try { await storage.update({}); } catch (error) { errors.push(error.name); }
                return { errors, sent };
                """
            )
            #expect(outcome.sent == ["GET", "GET", "GET", "PATCH"])
            try #require(outcome.errors.count == 4)
            #expect(outcome.errors[0].hasPrefix("SessionMethodError: update() needs PATCH, which http://127.0.0.1:"))
            #expect(outcome.errors[1].hasPrefix("SessionMethodError: reset() needs DELETE, which "))
            #expect(outcome.errors[2].hasPrefix("TypeError: update() takes an object"))
            #expect(outcome.errors[3] == "SessionMethodError")
            #expect(await playground.server.stop() == 0)
        }
    }

    @Test func whatAPageAsksForReachesTheRequest() async throws {
        struct Outcome: Decodable, Equatable {
            var tokens: [String?]
            var credentials: [String]
            var timeout: String
            var shared: Int
            var told: [Int]
        }
        try await RunningPlayground.run { playground, driver in
            let browser = try await playground.browser(driver, "first")
            let outcome: Outcome = try await browser.run(
                """
                const { useSession } = await import("/api/session/client.js");
                const sent = [];
                const answering = async (url, init) => {
                  sent.push(init);
                  return Response.json({ number: sent.length });
                };
                const basePath = "/elsewhere";
                const credentials = "include";
                const one = await useSession({ basePath, fetch: answering, credentials, csrfToken: async () => "secret" });
                await one.update({ number: 1 });

                // A second use of the address shows what the first one knows, whatever a listener does.
                const two = await useSession({ basePath: `${location.origin}/elsewhere/`, fetchOnInit: false });
                const told = [];
                globalThis.addEventListener("error", (event) => event.preventDefault());
                one.subscribe(() => { throw new Error("a listener's own mistake"); });
                two.subscribe(({ data }) => told.push(data.number));
                await one.remove();

                const hanging = (url, { signal }) =>
                  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
                const slow = await useSession({ basePath: "/slow", fetch: hanging, timeout: 10 });
                return {
                  tokens: sent.map(({ headers }) => headers["X-CSRF-Token"] ?? null),
                  credentials: sent.map(({ credentials }) => credentials),
                  timeout: slow.session.error.code, shared: two.session.data.number, told: [...new Set(told)],
                };
                """
            )
            let expected = Outcome(
                tokens: [nil, "secret", "secret"],
                credentials: ["include", "include", "include"],
                timeout: "timeout",
                shared: 3,
                told: [2, 3]
            )
            #expect(outcome == expected)
            #expect(await playground.server.stop() == 0)
        }
    }
}
