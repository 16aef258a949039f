import KVStorage
import Synchronization

/// A Lua script that runs as one step in the server, called by its digest once the server has it.
struct RedisScript: Sendable {
    let source: String
    /// The SHA-1 of the source in hexadecimal digits, as `EVALSHA` wants it.
    let digest: String

    private init(_ source: String) {
        self.source = source
        let digest = SHA1.hexadecimalDigest(of: Array(source.utf8))
        self.digest = digest
        Self.sources.withLock { $0[digest] = source }
    }

    /// The sources of the scripts that were made, which are those below.
    private static let sources = Mutex<[String: String]>([:])

    /// Returns the source of the script with the digest.
    static func source(ofDigest digest: String) -> String? {
        self.sources.withLock { $0[digest] }
    }

    // Every script is given the item's key and that of its metadata, and gives both the same end: the metadata's comes a
    // millisecond earlier where it is read from a clock that goes on, so that it never outlives the item.

    /// Stores ARGV[1]: `ARGV[2]` is the life time in milliseconds or empty, with `ARGV[3]` an existing item keeps its own.
    private static let store = """
        local function store(value, ttl, keep)
          if keep and redis.call('EXISTS', KEYS[1]) == 1 then
            redis.call('SET', KEYS[1], value, 'KEEPTTL')
          elseif ttl == '' then
            redis.call('PERSIST', KEYS[2])
            redis.call('SET', KEYS[1], value)
          else
            redis.call('PEXPIRE', KEYS[2], ttl)
            redis.call('SET', KEYS[1], value, 'PX', ttl)
          end
        end

        """

    /// Removes the item with its metadata: 1 if it was there.
    static let remove = RedisScript(
        """
        local removed = redis.call('UNLINK', KEYS[1])
        redis.call('UNLINK', KEYS[2])
        return removed
        """
    )

    /// Stores a value; an existing item keeps its life time. `value, ttl`.
    static let setKeeping = RedisScript(
        Self.store + """
            store(ARGV[1], ARGV[2], true)
            return 1
            """
    )

    /// Replaces what is as expected: 1 if it was, else what there is. `expected, replacement, ttl, keep`.
    static let swap = RedisScript(
        Self.store + """
            local current = redis.call('GET', KEYS[1])
            if current ~= ARGV[1] then return current end
            store(ARGV[2], ARGV[3], ARGV[4] == '1')
            return 1
            """
    )

    /// Removes what is as expected: 1 if it was, else what there is. `expected`.
    static let removeEqual = RedisScript(
        """
        local current = redis.call('GET', KEYS[1])
        if current ~= ARGV[1] then return current end
        redis.call('UNLINK', KEYS[1], KEYS[2])
        return 1
        """
    )

    /// Returns the value and removes the item.
    static let take = RedisScript(
        """
        local current = redis.call('GET', KEYS[1])
        if current then redis.call('UNLINK', KEYS[1], KEYS[2]) end
        return current
        """
    )

    /// Adds to a number. An item that is there keeps its life time if so told, else it gets the one given.
    /// `amount, ttl, keep`.
    static let increment = RedisScript(
        """
        local keep = ARGV[3] == '1' and redis.call('EXISTS', KEYS[1]) == 1
        redis.call('INCRBY', KEYS[1], ARGV[1])
        if not keep then
          for i = 2, 1, -1 do
            if ARGV[2] == '' then
              redis.call('PERSIST', KEYS[i])
            else
              redis.call('PEXPIRE', KEYS[i], ARGV[2])
            end
          end
        end
        return redis.call('GET', KEYS[1])
        """
    )

    /// Gives a new life time, or none: 1 if the item was there. `ttl`.
    static let touch = RedisScript(
        """
        if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        for i = 2, 1, -1 do
          if ARGV[1] == '' then
            redis.call('PERSIST', KEYS[i])
          else
            redis.call('PEXPIRE', KEYS[i], ARGV[1])
          end
        end
        return 1
        """
    )

    /// Removes metadata: 1 if the item was there.
    ///
    /// The metadata is written before it goes, as its removal alone is what a watcher hears when the item is removed.
    static let removeMeta = RedisScript(
        """
        if redis.call('EXISTS', KEYS[2]) == 1 then
          redis.call('SET', KEYS[2], '')
          redis.call('UNLINK', KEYS[2])
        end
        return redis.call('EXISTS', KEYS[1])
        """
    )

    /// Keeps metadata beside an item, for as long as it lives: 1 if it was there. `fields`.
    static let setMeta = RedisScript(
        """
        local ttl = redis.call('PTTL', KEYS[1])
        if ttl == -2 then return 0 end
        redis.call('SET', KEYS[2], ARGV[1])
        if ttl >= 0 then redis.call('PEXPIRE', KEYS[2], math.max(ttl - 1, 1)) end
        return 1
        """
    )
}
