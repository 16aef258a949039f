import Foundation

/// What `posix_spawn` is told about a program to be.
struct Spawning: ~Copyable {
    #if canImport(Darwin)
    private var actions: posix_spawn_file_actions_t?
    private var attributes: posix_spawnattr_t?
    #else
    private var actions = posix_spawn_file_actions_t()
    private var attributes = posix_spawnattr_t()
    #endif
    /// The program's ends of the pipes, which the tests have no use for once it runs.
    private var ends: [Int32] = []

    init() throws {
        posix_spawn_file_actions_init(&self.actions)
        posix_spawnattr_init(&self.attributes)
        // A thread of Swift's pool holds signals back, and a program would inherit that.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&self.attributes, &none)
        var flags = POSIX_SPAWN_SETSIGMASK
        #if canImport(Darwin)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #endif
        posix_spawnattr_setflags(&self.attributes, Int16(flags))
    }

    deinit {
        for end in self.ends { close(end) }
        var (actions, attributes) = (self.actions, self.attributes)
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
    }

    /// Has one of the program's standard streams be what is wanted, and returns the tests' end if that is a pipe.
    mutating func connect(_ number: Int32, to stream: ChildProcess.Stream) throws -> Int32? {
        let isInput = number == 0
        switch stream {
        case .inherited:
            try Self.check(posix_spawn_file_actions_adddup2(&self.actions, number, number), "a stream")
            return nil
        case .none:
            try self.open("/dev/null", as: number)
            return nil
        case .file(let path):
            try self.open(path, as: number)
            return nil
        case .pipe:
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Self.failure(errno, "a pipe") }
            // Only the program's own end is for it, and for it alone.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let (own, others) = isInput ? (ends[1], ends[0]) : (ends[0], ends[1])
            self.ends.append(others)
            try Self.check(posix_spawn_file_actions_adddup2(&self.actions, others, number), "a pipe")
            return own
        }
    }

    private mutating func open(_ path: String, as number: Int32) throws {
        let flags = number == 0 ? O_RDONLY : O_WRONLY | O_CREAT
        try Self.check(posix_spawn_file_actions_addopen(&self.actions, number, path, flags, 0o600), path)
    }

    /// Starts the program and returns its number.
    mutating func start(_ path: String, _ arguments: [String]) throws -> Int32 {
        #if !canImport(Darwin)
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/dev/fd").compactMap { Int32($0) }
        for descriptor in descriptors where descriptor > 2 {
            try Self.check(posix_spawn_file_actions_addclose(&self.actions, descriptor), "a file")
        }
        #endif
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, path, &self.actions, &self.attributes, &words, environ)
        try Self.check(code, path)
        return identifier
    }

    private static func check(_ code: Int32, _ subject: String) throws {
        if code != 0 { throw self.failure(code, subject) }
    }

    private static func failure(_ code: Int32, _ subject: String) -> ChildProcess.Failure {
        ChildProcess.Failure(description: "\(subject): \(String(cString: strerror(code)))")
    }
}
