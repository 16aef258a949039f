import Foundation
import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Synchronization
import Testing

@Suite("Sessions of other libraries that are taken over")
struct AdoptionTests {
    private static let secret = "keyboard cat"
    private static let id = "Xd2yqEwRkT1lS0v9aPzBnM4cGh7JfU8o"

    private struct Old: Codable {
        struct Cookie: Codable { var expires: String? }
        var cookie: Cookie?
        var user: String?
        var views: Int
    }

    private func convert(_ data: [UInt8]) throws -> Adopted<Visits>? {
        let old = try JSONDecoder().decode(Old.self, from: Data(data))
        let expires = try old.cookie?.expires.map {
            try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse($0)
        }
        return Adopted(
            value: Visits(count: old.views, note: "adopted"), user: old.user,
            expires: expires.map { Timestamp(milliseconds: Int64($0.timeIntervalSince1970 * 1000)) })
    }

    private func config(_ world: World, _ foreign: Storage, removes: Bool = false) throws -> SessionConfig<Visits> {
        var options = world.options
        options.onActivity = nil
        return try SessionConfig(
            in: world.place, options: options, { Visits() },
            adopt: .express(foreign, secrets: [Self.secret], removes: removes) { try self.convert($0) })
    }

    private func browser(_ id: String = Self.id, secret: String = Self.secret) throws -> Browser {
        let signed = signCookie(id, secret: secret)
        let value = signed.addingPercentEncoding(
            withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-_.")))
        return Browser(["connect.sid": try #require(value)])
    }

    private func record(_ user: String?, expires: String = "2026-05-28T21:26:40.000Z") -> [UInt8] {
        let user = user.map { ",\"user\":\"\($0)\"" } ?? ""
        return Array(
            "{\"cookie\":{\"originalMaxAge\":null,\"expires\":\"\(expires)\",\"httpOnly\":true},\"views\":7\(user)}"
                .utf8)
    }

    @Test(
        "express's session becomes one of ours under a new ID, for every request that brings it",
        arguments: Store.allCases)
    func express(store: Store) async throws {
        for removes in [false, true] {
            let world = try World(store)
            let redis = Storage()
            try await redis.setItemRaw("sess:\(Self.id)", self.record("ada"))
            let config = try self.config(world, redis.prefixed("sess"), removes: removes)
            let browsers = try (0..<4).map { _ in try self.browser() }
            try await withThrowingTaskGroup { group in
                for browser in browsers {
                    group.addTask {
                        let visits = try await browser.visit(config) { try await getSession($0, as: Visits.self) }
                        #expect(visits == Visits(count: 7, note: "adopted"))
                    }
                }
                try await group.waitForAll()
            }
            // All of them share one session.
            #expect(Set(browsers.map { $0.cookies[config.cookieName] }).count == 1)
            #expect(try await listSessions(of: "ada", config).count == 1)
            #expect(try await world.records().count == 1)
            #expect(try await redis.hasItem("sess:\(Self.id)") == !removes)
            #expect(browsers.allSatisfy { ($0.cookies["connect.sid"] == nil) == removes })
            for browser in browsers { _ = try await browser.visit(config) { try await increment($0) } }
            let info = try #require(try await browsers[0].visit(config) { try await sessionInfo($0) })
            #expect(info.user == "ada")
            #expect(
                try await browsers[0].visit(config) { event in
                    try await code { try await requireAuthentication(event, within: .seconds(86_400)) }
                } == .authenticationTooOld)
            // Nothing in storage shows the ID to who does not have the foreign one.
            for key in try await world.storage.getKeys() {
                let bytes = try #require(try await world.storage.getItemRaw(key))
                let own = try #require(browsers[0].cookies[config.cookieName]).dropFirst(4).prefix(65)
                #expect(!String(decoding: bytes, as: UTF8.self).contains(own))
            }
            // A logout is final for who was taken over, and for the minute in which others may still come.
            try await browsers[0].visit(config) { try await destroySession($0) }
            let late = try self.browser()
            #expect(try await late.visit(config) { try await sessionInfo($0) } == nil)
        }
    }

    @Test(
        "what is not signed, not of their characters, not theirs or over is no session, and asks nothing that it need not"
    )
    func refused() async throws {
        let world = try World()
        let counting = CountingDriver()
        let foreign = Storage(counting)
        let config = try self.config(world, foreign)
        try await foreign.setItemRaw(Self.id, self.record(nil))
        _ = counting.reset()
        let unsigned = [
            try self.browser(secret: "another"), try self.browser("short"), try self.browser("a:b/../c?d$ e%2e......"),
            try self.browser(String(repeating: "x", count: 129)), Browser(["connect.sid": Self.id]),
            Browser(["connect.sid": "s%3A\(Self.id)."]), Browser(["connect.sid": "s%3A."]),
            Browser(["connect.sid": ""]),
            Browser(["connect.sid": String(repeating: "%", count: 5000)]),
        ]
        for browser in unsigned {
            #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        }
        #expect(counting.reset().isEmpty)
        let unknown = try self.browser("unknown-unknown-unknown")
        #expect(try await unknown.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        for record in [
            [], Array("{}".utf8), Array("garbage".utf8), self.record(nil, expires: "2026-05-28T20:26:39.999Z"),
        ] {
            try await foreign.setItemRaw(Self.id, record)
            let browser = try self.browser()
            #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        }
        #expect(try await world.keys().isEmpty)
        // It is a session like none at all: a write makes a new one.
        let browser = try self.browser()
        #expect(try await browser.visit(config) { try await increment($0) } == 1)
    }

    @Test("the new session ends when the old one would have")
    func expiry() async throws {
        let world = try World()
        let foreign = Storage()
        try await foreign.setItemRaw(Self.id, self.record(nil, expires: "2026-05-28T20:36:40.000Z"))
        let config = try self.config(world, foreign)
        let browser = try self.browser()
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 7)
        world.clock.advance(by: .milliseconds(599_999))
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 7)
        world.clock.advance(by: .milliseconds(1))
        #expect(try await browser.copy().visit(config) { try await sessionInfo($0) } == nil)
    }
}
