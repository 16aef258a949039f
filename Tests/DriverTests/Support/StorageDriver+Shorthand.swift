import KVStorage
import Testing

extension Tag {
    /// Tests that start other processes.
    @Tag static var processes: Self
}

/// Returns the code of the error that the body throws, or `nil` if it throws none.
func code(of body: () async throws(StorageError) -> Void) async -> StorageError.Code? {
    do throws(StorageError) {
        try await body()
        return nil
    } catch {
        return error.code
    }
}

func bytes(_ text: String) -> [UInt8] {
    Array(text.utf8)
}

extension StorageDriver {
    /// Stores text, forever unless `ttl` says otherwise.
    func set(_ key: String, _ text: String, ttl: TTL = .forever) async throws(StorageError) {
        try await self.setItem(key, bytes(text), WriteOptions(ttl: ttl))
    }

    func text(_ key: String) async throws(StorageError) -> String? {
        try await self.getItem(key).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Returns all keys below the base, page by page.
    func allKeys(_ base: String = "", maxDepth: Int? = nil, limit: Int = 1000) async throws(StorageError) -> [String] {
        var query = KeyQuery(base: base, maxDepth: maxDepth, limit: limit)
        var keys: [String] = []
        repeat {
            let page = try await self.getKeys(query)
            keys += page.keys
            query.cursor = page.cursor
        } while query.cursor != nil
        return keys
    }
}

/// Returns the driver's events from now on.
func recordedEvents(of driver: some StorageDriver) throws -> AsyncStream<StorageEvent> {
    let hub = try #require(driver.events)
    let (stream, continuation) = AsyncStream.makeStream(of: StorageEvent.self)
    _ = hub.addObserver { continuation.yield($0) }
    return stream
}

/// Returns the events up to the update of the item `end`, which the caller writes last.
func eventsUpToEnd(_ events: AsyncStream<StorageEvent>) async -> [StorageEvent] {
    var seen: [StorageEvent] = []
    for await event in events {
        if event == .update("end") { break }
        seen.append(event)
    }
    return seen
}
