#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// JSON (RFC 8259): dates as ISO 8601 text in UTC, exact to the nanosecond; `Data` as base64; NaN and infinity refused.
public struct JSONStorageCodec: StorageCodec {
    // Both are only read after this, which their documentation allows from any thread.
    private let encoder: JSONEncoder
    private let decoder: JSONDecoder

    /// Creates the codec.
    public init() {
        self.encoder = JSONEncoder()
        self.encoder.outputFormatting = [.withoutEscapingSlashes]
        self.encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            guard let text = ISO8601.format(date) else {
                // Not the date itself: describing one that is no number traps in Foundation.
                throw EncodingError.invalidValue(
                    date.timeIntervalSinceReferenceDate,
                    .init(codingPath: encoder.codingPath, debugDescription: "the date is not in the years 0 to 9999")
                )
            }
            try container.encode(text)
        }
        self.decoder = JSONDecoder()
        self.decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let date = ISO8601.parse(try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an ISO 8601 date and time")
            }
            return date
        }
    }

    /// Returns the value as UTF-8 JSON.
    public func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
        [UInt8](try self.encoder.encode(value))
    }

    /// Returns the value that the JSON stands for.
    public func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try self.decoder.decode(type, from: Data(bytes))
    }
}

extension StorageCodec where Self == JSONStorageCodec {
    /// JSON; the default.
    public static var json: JSONStorageCodec { sharedJSONCodec }
}

private let sharedJSONCodec = JSONStorageCodec()
