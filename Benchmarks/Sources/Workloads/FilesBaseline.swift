import CBaselines

/// Files by hand, in C: see `FileBaseline.h`.
package final class FilesBaseline: Baseline {
    private let folder: Int32
    private let isDurable: Bool

    /// Creates a folder that holds copies of all items of the sample.
    package init(path: String, _ sample: Sample, isDurable: Bool) throws {
        var folder: Int32 = -1
        try Self.check(file_baseline_open(path, &folder))
        self.folder = folder
        self.isDurable = isDurable
        for (key, value) in sample.copies() { try self.set(key, value, isDurable: false) }
    }

    deinit {
        file_baseline_close(self.folder)
    }

    package func set(_ key: String, _ value: [UInt8]) throws {
        try self.set(key, value, isDurable: self.isDurable)
    }

    private func set(_ key: String, _ value: [UInt8], isDurable: Bool) throws {
        let code = key.withCharacters { key, count in
            value.withUnsafeBytes {
                file_baseline_set(self.folder, key, count, $0.baseAddress, $0.count, isDurable ? 1 : 0)
            }
        }
        try Self.check(code)
    }

    /// Calls the body with C's copy of the value, which is freed afterwards; `nil` if there is none.
    package func get<Result>(_ key: String, _ body: (UnsafeRawBufferPointer) -> Result) throws -> Result? {
        var value: UnsafeMutableRawPointer?
        var count = 0
        let code = key.withCharacters { file_baseline_get(self.folder, $0, $1, &value, &count) }
        defer { value?.deallocate() }
        try Self.check(code)
        return value.map { body(UnsafeRawBufferPointer(start: $0, count: count)) }
    }

    package func value(_ key: String) throws -> [UInt8]? { try self.get(key) { Array($0) } }

    private static func check(_ code: Int32) throws {
        guard code == 0 else { throw FilesBaselineError(code: code) }
    }
}

/// An `errno` that was not expected.
struct FilesBaselineError: Error {
    let code: Int32
}

extension Workload {
    /// Reads items of the sample.
    package static func gets(_ store: FilesBaseline, _ sample: Sample, operations: Int) -> Workload {
        Workload(operations: operations) { slice, pass in
            var sum = 0
            for index in slice {
                let key = sample.keys[sample.position(index, pass: pass, of: operations)]
                sum &+= try store.get(key) { $0.count &+ Int($0.first ?? 0) } ?? 0
            }
            return sum
        }
    }

    /// Stores items of the sample, one after the other.
    package static func sets(_ store: FilesBaseline, _ sample: Sample, operations: Int) -> Workload {
        Workload(operations: operations) { slice, pass in
            for index in slice {
                let position = sample.position(index, pass: pass, of: operations)
                try store.set(sample.keys[position], sample.value(position, pass: pass))
            }
            return slice.count
        }
    }
}
