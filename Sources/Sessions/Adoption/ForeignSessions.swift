import Crypto
import HTTPTypes
import KVStorage

/// Another library's sessions, the application's type forgotten.
final class ForeignSessions: Sendable {
    /// What became of a foreign record.
    struct Converted: Sendable {
        var value: any AnySessionValue
        var data: [UInt8]
        var user: String?
        var expires: Timestamp?
    }

    private let storage: Storage
    private let signer: CookieSigner
    private let reader: CookieReader
    private let idCounts: ClosedRange<Int>
    private let mappingKey: SymmetricKey
    private let convert: @Sendable ([UInt8]) throws -> Converted?
    /// The removal of the foreign cookie, where that is asked for.
    let removal: String?

    init<Value>(
        _ adoption: SessionAdoption<Value>, _ type: SessionType<Value>, secret: [UInt8]
    ) throws(SessionError) {
        guard !adoption.secrets.texts.isEmpty, !adoption.secrets.texts.contains(where: \.isEmpty) else {
            throw ConfigurationCheck.invalid(
                "sessions are taken over by their signature: give the secrets that made it")
        }
        try ConfigurationCheck.name(adoption.cookieName, cookieName: adoption.cookieName, valueBytes: 256)
        self.storage = adoption.storage
        self.signer = CookieSigner(secrets: adoption.secrets.texts)
        self.reader = CookieReader(name: adoption.cookieName)
        self.idCounts = adoption.idCounts
        self.removal =
            adoption.removes
            ? "\(adoption.cookieName)=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly" : nil
        self.mappingKey = SymmetricKey(data: SHA256.hash(data: Array("kv-storage session/1 adopt ".utf8) + secret))
        self.convert = { bytes in
            guard let adopted = try adoption.convert(bytes) else { return nil }
            return Converted(
                value: SessionValue(adopted.value), data: try type.encode(adopted.value), user: adopted.user,
                expires: adopted.expires)
        }
    }

    /// Returns the ID that a request's foreign cookie names, rightly signed and of characters that foreign IDs have; the first
    /// such, as the other library takes it.
    func presentedID(_ event: SessionEvent) -> String? {
        var id: String?
        self.reader.forEachValue(in: event.request.headerFields) { value in
            id = self.verify(value)
            return id == nil
        }
        return id
    }

    private func verify(_ value: UnsafeRawBufferPointer) -> String? {
        guard value.count <= 1024 else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer -> String? in
            guard let count = PercentEncoding.decode(value, into: buffer) else { return nil }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            guard bytes.starts(with: "s:".utf8), let dot = bytes.lastIndex(of: UInt8(ascii: ".")),
                self.idCounts.contains(dot - 2)
            else { return nil }
            let id = UnsafeRawBufferPointer(rebasing: bytes[2..<dot])
            guard id.allSatisfy({ Base64.url.contains($0) }),
                let signature = Base64.standard.decode(bytes[(dot + 1)...]),
                signature.withUnsafeBytes({ self.signer.verify($0, of: id) }) != nil
            else { return nil }
            return String(decoding: id, as: UTF8.self)
        }
    }

    /// Reads a foreign record; `nil` if there is none.
    func read(_ id: String) async throws(SessionError) -> [UInt8]? {
        do {
            return try await self.storage.getItemRaw(id)
        } catch { throw SessionError(error, while: "reading another library's session") }
    }

    /// Makes a session of a foreign record; `nil` if there is none in it.
    func converted(_ record: [UInt8]) -> Converted? {
        // What a stranger's record can't be made into is no session of ours.
        do { return try self.convert(record) } catch { return nil }
    }

    /// Removes a foreign record where that is asked for.
    func remove(_ id: String) async throws(SessionError) {
        guard self.removal != nil else { return }
        do {
            _ = try await self.storage.removeItem(id)
        } catch { throw SessionError(error, while: "removing another library's session") }
    }

    // MARK: Which session a foreign one became

    /// The key below the sessions' base at which that stands: a hash of the foreign ID.
    func mappingKey(_ id: String) -> String { "adopted:" + SessionCore.hash(id) }

    /// Seals our ID so that only who brings the foreign one can read it.
    func sealed(_ own: SessionID, for id: String) throws(SessionError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(Array(own.text.utf8), using: self.key(id))
            guard let bytes = box.combined else { throw CryptoKitError.incorrectKeySize }
            return Array(bytes)
        } catch { throw SessionError(.encoding, "the new session's ID could not be sealed", underlying: error) }
    }

    func opened(_ bytes: [UInt8], for id: String) -> SessionID? {
        guard let box = try? AES.GCM.SealedBox(combined: bytes), let text = try? AES.GCM.open(box, using: self.key(id))
        else { return nil }
        return SessionID(String(decoding: text, as: UTF8.self))
    }

    private func key(_ id: String) -> SymmetricKey {
        SymmetricKey(
            data: HMAC<SHA256>.authenticationCode(for: Array(id.utf8), using: self.mappingKey).withUnsafeBytes {
                Array($0)
            })
    }
}
