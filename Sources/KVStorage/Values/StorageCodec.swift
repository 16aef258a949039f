/// How values become bytes and back.
///
/// A storage stores a `String` as its text whatever the codec; the codec is asked for every other type. Raw bytes go
/// through `getItemRaw` and `setItemRaw`, which ask nobody.
public protocol StorageCodec: Sendable {
    /// Returns the value's bytes.
    ///
    /// Whatever is thrown reaches the caller as the underlying error of a ``StorageError`` with the code `encoding`.
    func encode<Value: Encodable>(_ value: Value) throws -> [UInt8]

    /// Returns the value that the bytes stand for.
    ///
    /// Whatever is thrown reaches the caller as the underlying error of a ``StorageError`` with the code `decoding`.
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value
}
