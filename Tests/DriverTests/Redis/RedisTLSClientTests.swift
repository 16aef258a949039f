import ChildProcess
import Foundation
import KVStorage
import Testing

@testable import KVStorageRedis

#if RedisTLSSupport

/// A server that wants a certificate of its clients, as Redis does by default.
@Suite("Redis client certificates", .timeLimit(.minutes(5)))
struct RedisTLSClientTests {
    private typealias TLS = RedisDriver.Configuration.TLS

    private func storage(
        _ port: Int,
        timeout: Duration = .seconds(30),
        _ change: (inout RedisDriver.Configuration.TLS) -> Void
    ) throws -> Storage {
        try RedisFaultTests.storage("rediss://localhost:\(port)", timeout: timeout) { configuration in
            var tls = TLS()
            change(&tls)
            configuration.tls = tls
        }
    }

    private func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    }

    @Test("files or bytes let us in; nothing, or a stranger's, does not, and the error says what is missing")
    func required() async throws {
        let authority = try TestAuthority()
        let client = try authority.issue("client")
        let (server, port) = try authority.server()
        let certificates: [TLS.ClientCertificate] = [
            .files(certificate: client.certificate, key: client.key),
            .pem(certificate: try self.bytes(client.certificate), key: try self.bytes(client.key)),
        ]
        for certificate in certificates {
            for usesBytes in [false, true] {
                let trusted = try self.bytes(authority.certificate)
                let storage = try self.storage(port) { tls in
                    if usesBytes {
                        tls.certificateAuthorities = trusted
                    } else {
                        tls.certificateAuthorityFile = authority.certificate
                    }
                    tls.clientCertificate = certificate
                }
                try await storage.setItem("k", 1)
                #expect(try await storage.takeItem("k") == 1)
                try await storage.dispose()
            }
        }
        let nothing = try self.storage(port, timeout: .seconds(1)) {
            $0.certificateAuthorityFile = authority.certificate
        }
        var error = await #expect(throws: StorageError.self) { try await nothing.getItem("k", as: Int.self) }
        #expect(
            error?.code == .unavailable && error?.message.contains("tls.clientCertificate") == true, "\(error as Any)")
        try await nothing.dispose()
        let others = try TestAuthority()
        let stranger = try others.issue("stranger")
        let refused = try self.storage(port, timeout: .seconds(1)) {
            $0.certificateAuthorityFile = authority.certificate
            $0.clientCertificate = .files(certificate: stranger.certificate, key: stranger.key)
        }
        error = await #expect(throws: StorageError.self) { try await refused.getItem("k", as: Int.self) }
        #expect(error?.code == .unavailable && error?.message.contains("TLS") == true, "\(error as Any)")
        try await refused.dispose()
        withExtendedLifetime((server, others)) {}
    }

    @Test("files that were replaced are read for the next connection; while only one was, the former ones are used")
    func rotation() async throws {
        let authority = try TestAuthority()
        let (server, port) = try authority.server()
        let folder = try TemporaryFolder()
        func install(_ from: String, _ name: String) throws {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: from))
            try bytes.write(to: URL(fileURLWithPath: folder.file(name)), options: .atomic)
        }
        let old = try authority.issue("old")
        try install(old.certificate, "certificate.pem")
        try install(old.key, "key.pem")
        let storage = try self.storage(port) {
            $0.certificateAuthorityFile = authority.certificate
            $0.clientCertificate = .files(certificate: folder.file("certificate.pem"), key: folder.file("key.pem"))
        }
        try await storage.setItem("k", 1)
        func reconnect() async throws {
            try await server.call("CLIENT", "KILL", "TYPE", "normal")
            #expect(try await storage.getItem("k") == 1)
        }
        let new = try authority.issue("new")
        try install(new.certificate, "certificate.pem")
        try await reconnect()
        try install(new.key, "key.pem")
        try await reconnect()
        try await storage.dispose()
        // Which one is used is asked of the context, as the server does not say.
        var tls = TLS()
        tls.clientCertificate = .files(certificate: folder.file("certificate.pem"), key: folder.file("key.pem"))
        let contexts = try TLSContexts(tls)
        let first = contexts.current
        #expect(contexts.current === first)
        try install(old.certificate, "certificate.pem")
        #expect(contexts.current === first, "it does not go with the key")
        try install(old.key, "key.pem")
        #expect(contexts.current !== first)
    }

    @Test("what can't be used throws when the driver is made, and asks nobody for a passphrase")
    func unusable() throws {
        let authority = try TestAuthority()
        let client = try authority.issue("client")
        let other = try authority.issue("other")
        let locked = try authority.lock(client.key, passphrase: "hush")
        let changes: [(inout TLS) throws -> Void] = [
            { $0.clientCertificate = .files(certificate: client.certificate, key: other.key) },
            { $0.clientCertificate = .files(certificate: client.certificate, key: locked) },
            { $0.clientCertificate = .files(certificate: "/nowhere.pem", key: client.key) },
            { $0.clientCertificate = .files(certificate: client.certificate, key: "/nowhere.pem") },
            { $0.clientCertificate = .pem(certificate: [], key: []) },
            { $0.clientCertificate = .pem(certificate: Array("nonsense".utf8), key: Array("nonsense".utf8)) },
            { $0.certificateAuthorities = [] },
            { $0.certificateAuthorities = Array("nonsense".utf8) },
        ]
        for (index, change) in changes.enumerated() {
            var configuration = RedisDriver.Configuration()
            var tls = TLS()
            try change(&tls)
            configuration.tls = tls
            let error = #expect(throws: StorageError.self) { try RedisDriver.redis("rediss://host", configuration) }
            #expect(error?.code == .invalidOption, "\(index)")
            #expect(error?.message.contains("tls.") == true, "\(index)")
            #expect(error?.message.contains("BEGIN") == false, "no key in an error")
        }
    }
}

/// A certificate authority of the tests' own.
private final class TestAuthority {
    let folder: TemporaryFolder
    let certificate: String
    private let key: String

    init() throws {
        self.folder = try TemporaryFolder()
        self.certificate = self.folder.file("ca.pem")
        self.key = self.folder.file("ca-key.pem")
        try Self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=Test authority", "-keyout", self.key, "-out", self.certificate)
    }

    func issue(_ name: String) throws -> (certificate: String, key: String) {
        let (certificate, key) = (self.folder.file("\(name).pem"), self.folder.file("\(name)-key.pem"))
        try Self.openssl(
            "req", "-x509", "-CA", self.certificate, "-CAkey", self.key, "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout",
            key,
            "-out", certificate)
        return (certificate, key)
    }

    func lock(_ key: String, passphrase: String) throws -> String {
        let locked = self.folder.file("locked.pem")
        try Self.openssl("ec", "-in", key, "-aes256", "-passout", "pass:\(passphrase)", "-out", locked)
        return locked
    }

    /// A server that wants a certificate, and its port for TLS.
    func server() throws -> (RedisServer, port: Int) {
        let own = try self.issue("server")
        let port = try LoopbackSocket.freePort()
        let server = try RedisServer([
            "--tls-port", "\(port)", "--tls-auth-clients", "yes", "--tls-cert-file", own.certificate,
            "--tls-key-file", own.key, "--tls-ca-cert-file", self.certificate,
        ])
        return (server, port)
    }

    private static func openssl(_ arguments: String...) throws {
        let process = try ChildProcess("/usr/bin/openssl", arguments, error: .none)
        guard process.wait() == 0 else { throw RedisServer.Failure(description: "openssl \(arguments[0]) fails") }
    }
}

#endif
