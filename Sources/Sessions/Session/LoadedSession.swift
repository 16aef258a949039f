import Synchronization

/// A session as a request last saw it; never changes, a write makes a new one.
final class LoadedSession: Sendable {
    private enum Decoded: Sendable {
        case notYet
        case value(any AnySessionValue)
        case undecodable
    }

    let id: SessionID
    let handle: String
    /// The bytes in storage, which a write has to find unchanged.
    let bytes: [UInt8]
    let record: SessionRecord
    private let decoded: Mutex<Decoded>

    init(id: SessionID, handle: String, bytes: [UInt8], record: SessionRecord, value: (any AnySessionValue)? = nil) {
        self.id = id
        self.handle = handle
        self.bytes = bytes
        self.record = record
        self.decoded = Mutex(value.map { .value($0) } ?? .notYet)
    }

    /// Decodes the application's data when it is first asked for; `nil` if it is not of this type (R30).
    func value(_ type: any AnySessionType) -> (any AnySessionValue)? {
        switch self.decoded.withLock({ $0 }) {
        case .value(let value): return value
        case .undecodable: return nil
        case .notYet:
            let value = type.decode(self.record.data, version: self.record.dataVersion)
            self.decoded.withLock { $0 = value.map { .value($0) } ?? .undecodable }
            return value
        }
    }

    /// What was decoded so far.
    private var knownValue: (any AnySessionValue)? {
        if case .value(let value) = self.decoded.withLock({ $0 }) { value } else { nil }
    }

    /// Returns the same session with another record; without a value the data has to be the same.
    func with(
        _ record: SessionRecord, bytes: [UInt8], id: SessionID? = nil, value: (any AnySessionValue)? = nil
    ) -> LoadedSession {
        LoadedSession(
            id: id ?? self.id, handle: self.handle, bytes: bytes, record: record, value: value ?? self.knownValue)
    }
}
