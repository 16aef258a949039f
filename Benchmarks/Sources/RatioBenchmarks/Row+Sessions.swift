import HTTPTypes
import KVStorage
import Sessions
import Workloads

extension Row {
    /// Requests with a session on the memory driver, from the `Cookie` field to the value, against the same by hand.
    static var sessions: [Row] {
        [
            Row(name: "session, read only", goal: 0.7) {
                try await self.sessionContest(
                    subject: { event in try await getSession(event, as: Profile.self)?.visits ?? -1 },
                    baseline: { hand, token in try hand.read(token)?.visits ?? -1 }
                )
            },
            Row(name: "session of a user, read only", goal: 1) {
                try await self.sessionContest(
                    user: "ada",
                    subject: { event in try await getSession(event, as: Profile.self)?.visits ?? -1 },
                    baseline: { hand, token in try hand.read(token)?.visits ?? -1 }
                )
            },
            Row(name: "session, with an update", goal: 0.8) {
                try await self.sessionContest(
                    subject: { event in
                        try await updateSession(event, as: Profile.self) { profile in
                            profile.visits += 1
                            return profile.visits
                        }
                    },
                    baseline: { hand, token in try hand.update(token) ?? -1 }
                )
            },
        ]
    }

    private static let secret = "a secret of at least 32 bytes, for this"

    private static func sessionContest(
        user: String? = nil,
        subject: @escaping @Sendable (SessionEvent) async throws -> Int,
        baseline: @escaping @Sendable (HandMadeSessions, HandMadeSessions.Token) throws -> Int
    ) async throws -> Contest {
        let count = 1000
        var options = SessionOptions()
        options.maximumPerUser = nil
        let sessions = try SessionConfig(
            in: .storage(Storage().prefixed("sessions"), secrets: [self.secret]), options: options
        ) { Profile(0) }
        let hand = HandMadeSessions(secret: self.secret)
        var requests: [HTTPRequest] = []
        var tokens: [HandMadeSessions.Token] = []
        for number in 0..<count {
            requests.append(try await self.request(sessions, Profile(number), user))
            tokens.append(try hand.create(Profile(number)))
        }
        return Contest(
            subject: Workload(operations: 20 * count) { [requests] slice, _ in
                var sum = 0
                for index in slice {
                    let event = SessionEvent(
                        request: requests[index % count], remoteAddress: "192.0.2.1", isSecure: true)
                    try await useSession(event, sessions)
                    sum &+= try await subject(event)
                }
                return sum
            },
            baseline: Workload(operations: 20 * count) { [tokens] slice, _ in
                var sum = 0
                for index in slice { sum &+= try baseline(hand, tokens[index % count]) }
                return sum
            },
            check: { [requests, tokens] in
                for number in 0..<count {
                    let event = SessionEvent(request: requests[number])
                    try await useSession(event, sessions)
                    let value = try await getSession(event, as: Profile.self)
                    guard let value, try hand.read(tokens[number]) == value else {
                        throw UnequalWork(description: "subject and baseline hold different values for \(number)")
                    }
                }
            }
        )
    }

    /// Creates a session and returns the request that a browser sends next, with what else browsers send.
    static func request(
        _ sessions: SessionConfig<Profile>, _ profile: Profile, _ user: String?
    ) async throws -> HTTPRequest {
        var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/account")
        request.headerFields[.userAgent] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        request.headerFields[.accept] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        request.headerFields[.acceptLanguage] = "en-GB,en;q=0.5"
        request.headerFields[.acceptEncoding] = "gzip, deflate, br"
        let event = SessionEvent(request: request)
        try await useSession(event, sessions)
        if let user { try await authenticateSession(event, user: user) }
        try await updateSession(event, as: Profile.self) { $0 = profile }
        let cookie = event.responseFields[.setCookie]?.prefix { $0 != ";" } ?? ""
        request.headerFields[.cookie] = "theme=dark; \(cookie)"
        return request
    }
}
