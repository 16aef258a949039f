#if RedisTLSSupport
internal import CKVStorageOpenSSL

/// Bytes encrypted by TLS, over another transport.
///
/// OpenSSL works on memory only, and the socket is ours: it would write to it in a way that raises `SIGPIPE`.
final class TLSTransport: Transport {
    var descriptor: Int32 { self.plain.descriptor }
    // A session is for one thread.
    let socket: Socket? = nil

    private let plain: PlainTransport
    private let session: OpaquePointer
    /// Where OpenSSL reads what came, and writes what is to be sent; the session owns both.
    private let input: OpaquePointer
    private let output: OpaquePointer
    /// What OpenSSL gave us and the socket did not take yet.
    private var unsent: [UInt8] = []
    private var isOpen = false
    private let hasClientCertificate: Bool
    /// OpenSSL's words for what ended the connection.
    private var problem: String?

    /// How much is encrypted at once.
    private static let chunk = 64 * 1024

    /// Returns `nil` if memory is short.
    init?(_ plain: PlainTransport, to endpoint: Endpoint, _ context: TLSContext) {
        guard let session = context.makeSession(with: endpoint) else { return nil }
        guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_free(session)
            return nil
        }
        SSL_set_bio(session, input, output)
        self.plain = plain
        self.hasClientCertificate = context.hasClientCertificate
        self.session = session
        self.input = input
        self.output = output
    }

    deinit {
        SSL_free(self.session)
    }

    var holdsInput: Bool { SSL_pending(self.session) > 0 || ckv_bio_pending(self.input) > 0 }
    var holdsOutput: Bool { !self.unsent.isEmpty || ckv_bio_pending(self.output) > 0 }

    func open() -> Opening {
        if self.isOpen { return .done }
        if case let opening = self.plain.open(), !opening.isDone { return opening }
        while true {
            ERR_clear_error()
            let code = SSL_do_handshake(self.session)
            if case .failed(let number) = self.flush() { return .failed(RedisSystemError(number)) }
            if code == 1 {
                self.isOpen = !self.holdsOutput
                return self.isOpen ? .done : .wants(reading: false, writing: true)
            }
            guard SSL_get_error(self.session, code) == SSL_ERROR_WANT_READ else { return self.handshakeError }
            switch self.fill() {
            case .count: continue
            case .wouldBlock: return .wants(reading: true, writing: self.holdsOutput)
            case .closed:
                return .failed(RedisSystemError(number: 0, message: "it closed the connection; does it speak TLS?"))
            case .failed(let number): return .failed(RedisSystemError(number))
            }
        }
    }

    private var handshakeError: Opening {
        let verification = SSL_get_verify_result(self.session)
        guard verification == Int(X509_V_OK) else {
            let reason = X509_verify_cert_error_string(verification).map { String(cString: $0) } ?? "\(verification)"
            ERR_clear_error()
            return .rejected("its certificate is not trusted: \(reason)")
        }
        return .failed(RedisSystemError(number: 0, message: "TLS failed: \(TLSContext.lastError)"))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisPlatform.Transfer {
        while true {
            ERR_clear_error()
            let count = SSL_read(self.session, buffer.baseAddress, Int32(clamping: buffer.count))
            if count > 0 { return .count(Int(count)) }
            // Reading may have made something to say, such as the answer to new keys.
            if case .failed(let number) = self.flush() { return .failed(number) }
            switch SSL_get_error(self.session, count) {
            case SSL_ERROR_WANT_READ: break
            case SSL_ERROR_ZERO_RETURN: return .closed
            default:
                self.problem = TLSContext.lastError
                return .failed(RedisPlatform.protocolError)
            }
            let filled = self.fill()
            guard case .count = filled else { return filled }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> RedisPlatform.Transfer {
        if case .failed(let number) = self.flush() { return .failed(number) }
        if self.holdsOutput { return .wouldBlock }
        ERR_clear_error()
        let count = SSL_write(self.session, bytes.baseAddress, Int32(min(bytes.count, Self.chunk)))
        guard count > 0 else {
            let isLater = SSL_get_error(self.session, count) == SSL_ERROR_WANT_READ
            return isLater ? .wouldBlock : .failed(RedisPlatform.protocolError)
        }
        if case .failed(let number) = self.flush() { return .failed(number) }
        return .count(Int(count))
    }

    var refusal: String? {
        // By TLS 1.3 a server looks at our certificate after we have begun to speak, and may be gone before we hear why.
        let question = self.hasClientCertificate ? "" : "; does it want a client certificate (tls.clientCertificate)?"
        return "it ended the TLS connection before it answered\(self.problem.map { ": \($0)" } ?? "")\(question)"
    }

    func flush() -> RedisPlatform.Transfer {
        let count = ckv_bio_pending(self.output)
        if count > 0 {
            self.unsent += [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                initialized = max(0, Int(BIO_read(self.output, buffer.baseAddress, Int32(clamping: count))))
            }
        }
        var sent = 0
        defer { self.unsent.removeFirst(sent) }
        while sent < self.unsent.count {
            let transfer = self.unsent.withUnsafeBytes { bytes in
                self.plain.write(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
            guard case .count(let count) = transfer else { return transfer }
            sent += count
        }
        return .count(sent)
    }

    /// Gives OpenSSL what came.
    private func fill() -> RedisPlatform.Transfer {
        withUnsafeTemporaryAllocation(byteCount: Self.chunk, alignment: 16) { buffer in
            let transfer = self.plain.read(into: buffer)
            if case .count(let count) = transfer { BIO_write(self.input, buffer.baseAddress, Int32(count)) }
            return transfer
        }
    }
}
#endif
