/// A script, or a transaction, on an item and its metadata, for while their slot is on its way from one node to another.
///
/// A node that has only one of two keys refuses a command on both until the slot has arrived (`TRYAGAIN`), also where the
/// other is nowhere, as most items have no metadata. A command on one key is not refused. So the script is given the
/// item's key alone, and names the metadata's itself where the node can have it, or goes without where there is none.
struct SplitCall: Sendable {
    /// Where the metadata is.
    enum Metadata {
        /// With the item, or nowhere, on the node that the slot goes to.
        case reachable
        /// Nowhere, while the item is on the node that the slot comes from.
        case absent
    }

    private let source: String
    let item: [UInt8]
    let metadata: [UInt8]
    private let arguments: [[UInt8]]

    /// Whether it is a transaction: a node refuses each command for itself, and so says nothing about both keys.
    let isTransaction: Bool

    /// Returns `nil` if what is encoded is no script on two keys, and no transaction on an item and its metadata.
    init?(_ encode: Client.Encode) {
        var writer = CommandWriter()
        encode(&writer)
        let commands = writer.commands
        if commands.count == 1 {
            self.init(script: CommandWriter.words(of: commands[0]))
        } else {
            self.init(transaction: commands.map(CommandWriter.words))
        }
    }

    /// A script on two keys.
    private init?(script words: [[UInt8]]) {
        self.isTransaction = false
        guard words.count >= 5, words[2] == [UInt8(ascii: "2")] else { return nil }
        switch words[0] {
        case Array("EVALSHA".utf8):
            guard let source = Script.source(ofDigest: String(decoding: words[1], as: UTF8.self)) else {
                return nil
            }
            self.source = source
        case Array("EVAL".utf8):
            self.source = String(decoding: words[1], as: UTF8.self)
        default:
            return nil
        }
        self.item = words[3]
        self.metadata = words[4]
        self.arguments = Array(words[5...])
    }

    /// A transaction whose commands name one key each: the item's, or that of its metadata, which alone ends in `$`.
    private init?(transaction commands: [[[UInt8]]]) {
        guard commands.count > 2, commands[0] == [Array("MULTI".utf8)] else { return nil }
        let commands = commands.dropFirst().dropLast()
        // What a script names is not to be seen here.
        guard commands.allSatisfy({ $0.count > 1 && $0[0] != Array("EVAL".utf8) }) else { return nil }
        let keys = Set(commands.map { $0[1] })
        guard keys.count == 2, let metadata = keys.first(where: { $0.last == UInt8(ascii: "$") }),
            let item = keys.first(where: { $0.last != UInt8(ascii: "$") })
        else { return nil }
        self.isTransaction = true
        self.source = Self.transaction
        self.item = item
        self.metadata = metadata
        self.arguments = commands.flatMap { [Array(String($0.count).utf8)] + $0 }
    }

    /// Runs commands, each given as the number of its words and the words, and returns what each answers.
    private static let transaction = """
        local answers = {}
        local position = 1
        while position <= #ARGV do
          local count = tonumber(ARGV[position])
          answers[#answers + 1] = redis.call(unpack(ARGV, position + 1, position + count))
          position = position + count + 1
        end
        return answers
        """

    /// Whether metadata may come into being, which needs a node that both keys can be on.
    var createsMetadata: Bool { self.source.contains("'SET', KEYS[2]") }

    /// Writes the script for one key.
    func write(_ place: Metadata, to writer: inout CommandWriter) {
        writer.begin(5 + self.arguments.count)
        writer.word("EVAL")
        // What tells the server of flags stays the first line.
        let lines = self.source.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        if self.source.hasPrefix("#!"), lines.count == 2 {
            writer.word(lines[0] + "\n" + Self.prelude(place) + lines[1])
        } else {
            writer.word(Self.prelude(place) + self.source)
        }
        writer.word("1")
        writer.word(self.item)
        for argument in self.arguments { writer.word(argument) }
        writer.word(self.metadata)
    }

    /// Lua that gives the script both keys, and has it name one in a command: one on two would be refused within as well.
    private static func prelude(_ place: Metadata) -> String {
        """
        local KEYS = {KEYS[1], table.remove(ARGV)}
        local server = redis
        local isAbsent = \(place == .absent)
        local answers = {UNLINK = 0, EXISTS = 0, PERSIST = 0, PEXPIRE = 0, STRLEN = 0, PTTL = -2, GET = false}
        local function callOne(command, key, ...)
          if isAbsent and key == KEYS[2] and answers[command] ~= nil then return answers[command] end
          return server.call(command, key, ...)
        end
        local redis = {call = function(command, key, ...)
          if command ~= 'UNLINK' then return callOne(command, key, ...) end
          local sum = callOne(command, key)
          for _, other in ipairs({...}) do sum = sum + callOne(command, other) end
          return sum
        end}

        """
    }
}
