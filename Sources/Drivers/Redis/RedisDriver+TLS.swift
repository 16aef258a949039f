extension RedisDriver.Configuration {
    /// How the server of a `rediss://` URL, each node of a `rediss-cluster://` one, or servers and sentinels of a
    /// `rediss-sentinel://` one, are verified, and we are by them. TLS 1.2 or later is spoken.
    ///
    /// Files are read when the driver is made, and again for a new connection when they have changed: certificates can be
    /// renewed while it runs. While the changed ones can't be used, as only one of two was replaced yet, the former are.
    public struct TLS: Sendable, Hashable {
        /// A file of certificates in PEM form: one of them has to stand behind the server's. By default `nil`; if there are no
        /// ``certificateAuthorities`` either, for those that the system trusts.
        public var certificateAuthorityFile: String?

        /// Certificates in PEM form that are trusted beside those of the file; by default `nil`.
        public var certificateAuthorities: [UInt8]?

        /// What we show to a server that asks who we are (`tls-auth-clients yes`, Redis' own default); by default `nil`, for
        /// nothing.
        public var clientCertificate: ClientCertificate?

        /// The name that the server's certificate has to be for; by default `nil`, for the host that is connected to.
        ///
        /// That is the URL's host. For the other nodes of a cluster it is what the cluster calls them, an address unless its
        /// `cluster-preferred-endpoint-type` is `hostname`, and for the master what the sentinels call it. Where the
        /// certificates are for one common name and not for those addresses, that name has to be given here.
        public var serverName: String?

        /// Whether the server's certificate is looked at, `true` by default. Without that anybody in between can read and
        /// change everything.
        public var verifiesServer = true

        /// Creates the default configuration.
        public init() {}
    }
}

extension RedisDriver.Configuration.TLS {
    /// A certificate and its private key, in PEM form; those that stand between it and its authority may follow it. The key
    /// may not be protected by a passphrase. Nothing that describes, prints or dumps it shows the key.
    public struct ClientCertificate: Sendable, Hashable {
        enum Source: Sendable, Hashable {
            case files(certificate: String, key: String)
            case pem(certificate: [UInt8], key: Secret)
        }

        let source: Source

        /// Both in files, read again for a new connection when they have changed.
        public static func files(certificate: String, key: String) -> ClientCertificate {
            ClientCertificate(source: .files(certificate: certificate, key: key))
        }

        /// The bytes of both.
        public static func pem(certificate: [UInt8], key: [UInt8]) -> ClientCertificate {
            let text = Secret(String(decoding: key, as: UTF8.self))
            return ClientCertificate(source: .pem(certificate: certificate, key: text))
        }
    }

    /// The files that may change.
    var files: [String] {
        var files = [self.certificateAuthorityFile].compactMap { $0 }
        if case .files(let certificate, let key) = self.clientCertificate?.source { files += [certificate, key] }
        return files
    }
}
