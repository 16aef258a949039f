/// What a compare-and-swap found.
public enum CompareAndSwapResult: Sendable, Hashable {
    /// The item was as expected and has been replaced.
    case swapped
    /// The item was different and is untouched; these are its bytes, or `nil` if it is absent.
    case mismatch(current: [UInt8]?)
}
