#if RedisTLSSupport
internal import CKVStorageOpenSSL
import KVStorage

/// What all encrypted connections of a driver share: whom to trust, and who we are.
final class TLSContext: Sendable {
    // Safe to share: OpenSSL counts its references and locks it; it is not changed after it was made.
    nonisolated(unsafe) private let context: OpaquePointer
    private let serverName: String?
    let hasClientCertificate: Bool

    /// Sets OpenSSL up, before anything of it is used, to free nothing at the process's exit.
    ///
    /// By default it does (`OPENSSL_init_crypto(3)`), while threads of connections that nobody closed still work with what
    /// it frees: now and then the process would end by `abort()` instead of with its exit status.
    private static let isReady = OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1

    /// - Throws: `StorageError.Code.invalidOption` if a certificate or a key can't be used.
    init(_ configuration: RedisDriver.Configuration.TLS) throws(StorageError) {
        guard Self.isReady, let context = SSL_CTX_new(TLS_client_method()), ckv_ssl_require_tls12(context) == 1 else {
            throw StorageError(.unavailable, "OpenSSL gives no context: \(Self.lastError)")
        }
        self.context = context
        self.serverName = configuration.serverName
        self.hasClientCertificate = configuration.clientCertificate != nil
        SSL_CTX_set_verify(context, configuration.verifiesServer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        try self.trust(configuration)
        if let certificate = configuration.clientCertificate { try self.use(certificate) }
    }

    private func trust(_ configuration: RedisDriver.Configuration.TLS) throws(StorageError) {
        let (file, certificates) = (configuration.certificateAuthorityFile, configuration.certificateAuthorities)
        if file == nil, certificates == nil {
            SSL_CTX_set_default_verify_paths(self.context)
            return
        }
        if let file, SSL_CTX_load_verify_locations(self.context, file, nil) != 1 {
            throw StorageError(
                .invalidOption, "no certificate can be read from certificateAuthorityFile, \(file): \(Self.lastError)")
        }
        if let certificates {
            try Self.read(certificates, "tls.certificateAuthorities holds no certificates that can be read") {
                ckv_ssl_trust(self.context, $0)
            }
        }
    }

    private func use(_ certificate: RedisDriver.Configuration.TLS.ClientCertificate) throws(StorageError) {
        let ofCertificate = "tls.clientCertificate holds no certificate that can be read"
        let ofKey = "tls.clientCertificate holds no private key without a passphrase that belongs to its certificate"
        switch certificate.source {
        case .files(let certificate, let key):
            try Self.readFile(certificate, ofCertificate) { ckv_ssl_use_certificates(self.context, $0) }
            try Self.readFile(key, ofKey) { ckv_ssl_use_key(self.context, $0) }
        case .pem(let certificate, let key):
            try Self.read(certificate, ofCertificate) { ckv_ssl_use_certificates(self.context, $0) }
            try Self.read(Array(key.value.utf8), ofKey) { ckv_ssl_use_key(self.context, $0) }
        }
    }

    /// Has the body read PEM from bytes; it returns 1 if it could.
    private static func read(
        _ bytes: [UInt8],
        _ problem: String,
        _ body: (OpaquePointer) -> Int32
    ) throws(StorageError) {
        ERR_clear_error()
        let isRead = bytes.withUnsafeBytes { bytes in
            guard let source = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return false }
            defer { BIO_free(source) }
            return body(source) == 1
        }
        guard isRead else { throw StorageError(.invalidOption, "\(problem): \(Self.lastError)") }
    }

    private static func readFile(
        _ path: String,
        _ problem: String,
        _ body: (OpaquePointer) -> Int32
    ) throws(StorageError) {
        ERR_clear_error()
        guard let source = BIO_new_file(path, "r") else {
            throw StorageError(.invalidOption, "\(problem), as \(path) can't be opened: \(Self.lastError)")
        }
        defer { BIO_free(source) }
        guard body(source) == 1 else {
            throw StorageError(.invalidOption, "\(problem) (\(path)): \(Self.lastError)")
        }
    }

    deinit {
        SSL_CTX_free(self.context)
    }

    /// Returns a session that has not begun, for certificates of the server's name only; `nil` if memory is short.
    ///
    /// - Parameter endpoint: Where the server is. Its host is the name unless another is configured.
    func makeSession(with endpoint: Endpoint) -> OpaquePointer? {
        guard case .host(let host, _) = endpoint, let session = SSL_new(self.context) else { return nil }
        let name = self.serverName ?? host
        SSL_set_connect_state(session)
        ckv_ssl_accept_partial_writes(session)
        let parameters = SSL_get0_param(session)
        // An address in digits is not asked for by name (RFC 6066, section 3), and stands elsewhere in a certificate.
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return session }
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1,
            ckv_ssl_set_server_name(session, name) == 1
        else {
            SSL_free(session)
            return nil
        }
        return session
    }

    /// OpenSSL's words for the last thing that went wrong on this thread.
    static var lastError: String {
        let code = ERR_get_error()
        ERR_clear_error()
        let number = ckv_system_error(code)
        if number != 0 { return RedisPlatform.message(of: number) }
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "no reason is given"
    }
}
#endif
