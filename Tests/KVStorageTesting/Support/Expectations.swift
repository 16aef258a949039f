import KVStorage

/// Fails unless the condition holds.
func expect(
    _ condition: Bool,
    _ expectation: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    guard !condition else { return }
    throw ConformanceFailure("expected: \(expectation())", at: .init(fileID: fileID, line: line))
}

/// Fails unless the two are equal.
func expectEqual<Value: Equatable>(
    _ actual: Value,
    _ expected: Value,
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    guard actual != expected else { return }
    let expectation = "\(what()) is \(shortened(expected)), got \(shortened(actual))"
    throw ConformanceFailure(expectation, at: .init(fileID: fileID, line: line))
}

/// Fails unless the keys are the expected ones, each as often, in any order, byte for byte.
func expectKeys(
    _ actual: [String],
    _ expected: [String],
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    let actualBytes = actual.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    let expectedBytes = expected.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    guard actualBytes != expectedBytes else { return }
    let missing = Set(expectedBytes).subtracting(actualBytes).map { String(decoding: $0, as: UTF8.self) }
    let surplus = Set(actualBytes).subtracting(expectedBytes).map { String(decoding: $0, as: UTF8.self) }
    throw ConformanceFailure(
        "\(what()) are \(expected.count) keys, got \(actual.count); missing: \(shortened(missing)); "
            + "not expected: \(shortened(surplus)); others may come several times",
        at: .init(fileID: fileID, line: line)
    )
}

/// Fails unless the body throws a storage error of that kind; returns the error.
@discardableResult
func expectThrows<Value>(
    _ code: StorageError.Code,
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line,
    _ body: () async throws -> Value
) async throws(ConformanceFailure) -> StorageError {
    let location = ConformanceFailure.Location(fileID: fileID, line: line)
    let value: Value
    do {
        value = try await body()
    } catch let error as StorageError where error.code == code {
        return error
    } catch {
        throw ConformanceFailure("\(what()) throws \(code), got \(error)", at: location)
    }
    throw ConformanceFailure("\(what()) throws \(code), got \(shortened(value))", at: location)
}

/// The value in at most 200 characters.
private func shortened<Value>(_ value: Value) -> String {
    let text = "\(value)"
    return text.utf8.count <= 200 ? text : "\(text.prefix(200))…"
}
