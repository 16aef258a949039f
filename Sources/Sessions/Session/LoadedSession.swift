/// A session as a request last saw it; never changes, a write makes a new one.
final class LoadedSession: Sendable {
    let id: SessionID
    let handle: String
    /// The bytes in storage, which a write has to find unchanged.
    let bytes: [UInt8]
    let record: SessionRecord
    let value: any AnySessionValue

    init(id: SessionID, handle: String, bytes: [UInt8], record: SessionRecord, value: any AnySessionValue) {
        self.id = id
        self.handle = handle
        self.bytes = bytes
        self.record = record
        self.value = value
    }

    /// Returns the same session with another record.
    func with(_ record: SessionRecord, bytes: [UInt8], value: (any AnySessionValue)? = nil) -> LoadedSession {
        LoadedSession(id: self.id, handle: self.handle, bytes: bytes, record: record, value: value ?? self.value)
    }
}
