/// A store written by hand that a driver is compared with.
///
/// Only what looks whether both sides hold the same goes through the protocol: what is measured calls the type itself.
package protocol Baseline: Sendable {
    /// Returns the item's bytes, or `nil` if there is none.
    func value(_ key: String) throws -> [UInt8]?
}

extension String {
    /// Calls the body with the text's UTF-8 bytes as C takes them.
    @inline(__always)
    func withCharacters<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
        var text = self
        return text.withUTF8 { bytes in bytes.withMemoryRebound(to: CChar.self) { body($0.baseAddress, $0.count) } }
    }
}
