import KVStorage
import KVStorageTesting
import Testing

/// Texts that are nearly JSON: accepted exactly if the grammar accepts them.
@Suite("JSON: damaged texts") struct JSONMutationTests {
    @Test("The grammar decides", arguments: [21, 22, 23, 24] as [UInt64])
    func mutations(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let codec = JSONStorageCodec()
        let pieces = "{ } [ ] , : \" \\ \\u \\ud83d \\u00e9 null true 1e5 - 0 . e \n".split(separator: " ").map {
            Array($0.utf8)
        }
        for _ in 0..<500 {
            var bytes = try codec.encode(StorageValue.random(depth: 3, &random))
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let at = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where at < bytes.count: bytes[at] = .random(in: .min ... .max, using: &random)
                case 1 where at < bytes.count: bytes.remove(at: at)
                case 2: bytes.removeSubrange(at...)
                default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
                }
            }
            let note: Comment = "seed \(seed): \(String(decoding: bytes, as: UTF8.self)) \(bytes)"
            do {
                let value = try codec.decode(StorageValue.self, from: bytes)
                #expect(JSONGrammar.accepts(bytes), note)
                let again = try codec.decode(StorageValue.self, from: codec.encode(value))
                #expect(again == value, note)
            } catch DecodingError.dataCorrupted(let context) {
                #expect(!JSONGrammar.accepts(bytes) || context.debugDescription.contains("canonically"), note)
            }
        }
    }
}
