/// A sentence that every driver keeps, and the number of the promise that it is part of.
///
/// 1 keys, 2 values, 3 batches, 4 lifetimes, 5 listing, 6 clearing, 7 removing, 8 atomic calls, 9 transactions,
/// 10 durability, 11 watching, 12 errors, 13 disposal and cancellation, 14 no endless waiting, 15 cost.
public struct Promise: Sendable, Hashable, CustomStringConvertible {
    /// The number of the promise, from 1 to 15.
    public var number: Int
    /// The sentence.
    public var sentence: String

    /// Creates a promise.
    public init(number: Int, sentence: String) {
        self.number = number
        self.sentence = sentence
    }

    /// The number and the sentence.
    public var description: String { "promise \(self.number): \(self.sentence)" }
}
