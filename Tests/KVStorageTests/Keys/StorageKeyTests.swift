import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct StorageKeyTests {
    @Test func escapesWhatKeysGiveAMeaning() {
        #expect(StorageKey.escaped("ada@example.org") == "ada@example.org")
        #expect(StorageKey.escaped("a:b/c\\d?e$f%g\0h") == "a%3Ab%2Fc%5Cd%3Fe%24f%25g%00h")
        #expect(StorageKey.escaped("") == "%")
        #expect(StorageKey.escaped("%") == "%25")
    }

    @Test func anyStringComesBack() {
        var random = SeededGenerator(seed: 11)
        let alphabet = Array("a:/\\?$%\0.2F3A \u{E9}\u{301}\u{1F600}".unicodeScalars)
        var segments: [[UInt8]: [UInt8]] = [:]
        var wrong: [String] = []
        for _ in 0..<20_000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                scalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            let string = String(scalars)
            let segment = StorageKey.escaped(string)
            let other = segments.updateValue(Array(string.utf8), forKey: Array(segment.utf8))
            let isRight =
                StorageKey.unescaped(segment).map { Array($0.utf8) } == Array(string.utf8) && isNormalKey(segment)
                && !segment.utf8.contains(UInt8(ascii: ":")) && (try? StorageKey.validate(segment)) != nil
                && (other == nil || other == Array(string.utf8))
            if !isRight { wrong.append(string.debugDescription) }
        }
        #expect(wrong == [])
    }

    @Test(arguments: ["", "%2", "%GG", "a:b", "%3a", "a%", "%41", "%FF", "%%", "$", "a?"])
    func refusesWhatItDidNotMake(_ segment: String) {
        #expect(StorageKey.unescaped(segment) == nil)
    }
}
