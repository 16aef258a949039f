import KVStorage

/// Fails unless the condition holds; `expectation` names what is expected, and what came instead.
func expect(
    _ condition: Bool,
    _ expectation: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    guard !condition else { return }
    throw ConformanceFailure("expected: \(expectation())", at: .init(fileID: fileID, line: line))
}

/// Fails unless the two are equal; `what` is a noun phrase.
func expectEqual<Value: Equatable>(
    _ actual: Value,
    _ expected: Value,
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    guard actual != expected else { return }
    let expectation = "\(what()): expected \(shortened(expected)), got \(shortened(actual))"
    throw ConformanceFailure(expectation, at: .init(fileID: fileID, line: line))
}

/// Fails unless the bytes are equal, without copying or printing much of them.
func expectBytes(
    _ actual: [UInt8]?,
    _ expected: [UInt8],
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    let location = ConformanceFailure.Location(fileID: fileID, line: line)
    guard let actual else {
        throw ConformanceFailure("\(what()): expected \(expected.count) bytes, got no item", at: location)
    }
    let isSame = actual.withUnsafeBytes { left in expected.withUnsafeBytes { compareBytes(left, $0) == 0 } }
    if isSame, actual.count == expected.count { return }
    let offset = zip(actual, expected).enumerated().first { $1.0 != $1.1 }?.offset
    let place = offset.map { ", the first other one at \($0)" } ?? ""
    throw ConformanceFailure(
        "\(what()): expected \(expected.count) certain bytes, got \(actual.count)\(place)", at: location)
}

/// Fails unless the keys are the expected ones, each as often, in any order, byte for byte.
func expectKeys(
    _ actual: [String],
    _ expected: [String],
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    let actualBytes = actual.map(bytes).sorted { $0.lexicographicallyPrecedes($1) }
    let expectedBytes = expected.map(bytes).sorted { $0.lexicographicallyPrecedes($1) }
    guard actualBytes != expectedBytes else { return }
    let actualCounts = Dictionary(actualBytes.map { ($0, 1) }, uniquingKeysWith: +)
    let expectedCounts = Dictionary(expectedBytes.map { ($0, 1) }, uniquingKeysWith: +)
    var parts = ["\(what()): expected \(keyCount(expected.count)), got \(keyCount(actual.count))"]
    func add(_ name: String, _ keys: some Sequence<[UInt8]>) {
        let texts = keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
        if !texts.isEmpty { parts.append("\(name): \(shortened(texts))") }
    }
    add("missing", expectedCounts.keys.filter { actualCounts[$0] == nil })
    add("not expected", actualCounts.keys.filter { expectedCounts[$0] == nil })
    add("more often than expected", actualCounts.filter { $1 > expectedCounts[$0, default: $1] }.keys)
    add("less often than expected", actualCounts.filter { $1 < expectedCounts[$0, default: 0] }.keys)
    throw ConformanceFailure(parts.joined(separator: "; "), at: .init(fileID: fileID, line: line))
}

/// Fails unless the lists are equal byte for byte, in the same order; tells where they part.
func expectOrdered(
    _ actual: [String],
    _ expected: [String],
    _ what: @autoclosure () -> String,
    fileID: String = #fileID,
    line: Int = #line
) throws(ConformanceFailure) {
    try expectKeys(actual, expected, what(), fileID: fileID, line: line)
    for (index, (key, other)) in zip(actual, expected).enumerated() where !keysEqual(key, other) {
        throw ConformanceFailure(
            "\(what()): expected \(shortened([other])) at position \(index), got \(shortened([key]))",
            at: .init(fileID: fileID, line: line)
        )
    }
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
        throw ConformanceFailure("\(what()): expected the error \(code), got \(error)", at: location)
    }
    let got = Value.self == Void.self ? "none" : "none, but \(shortened(value))"
    throw ConformanceFailure("\(what()): expected the error \(code), got \(got)", at: location)
}

private func keyCount(_ count: Int) -> String {
    count == 1 ? "1 key" : "\(count) keys"
}

/// The value in at most 200 characters, control characters escaped.
private func shortened<Value>(_ value: Value) -> String {
    let text: String
    if let texts = value as? [String] {
        text = "[" + texts.map(\.debugDescription).joined(separator: ", ") + "]"
    } else if let string = value as? String {
        text = string.debugDescription
    } else {
        // Names of modules and types say nothing here.
        text = "\(value)".replacing("KVStorage.StorageEvent.", with: "")
    }
    return text.utf8.count <= 200 ? text : "\(text.prefix(200))…"
}
