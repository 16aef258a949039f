import ChildProcess
import Foundation
import Synchronization

@testable import KVStorageRedis

/// A `redis-server` of the tests' own: on a free port and a unix socket, with its data in a folder of its own.
final class RedisServer: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let port: Int
    let folder: String
    let arguments: [String]
    let executable: String
    private let process: Mutex<ChildProcess?>

    /// One for all tests that only need a server; it tells of changes.
    static let shared = Result { try RedisServer(["--notify-keyspace-events", "Kg$xe"]) }

    var url: String { "redis://127.0.0.1:\(self.port)" }
    var socketURL: String { "unix://\(self.folder)/redis.sock" }
    var identifier: Int32? { self.process.withLock { $0?.identifier } }

    /// - Parameter executable: The server's program; by default that of Redis.
    init(_ arguments: [String] = [], executable: String = "/usr/bin/redis-server") throws {
        self.executable = executable
        // Short, as the path of a unix socket may have about 100 bytes; `mkdtemp` fills in the Xs.
        var template = Array("/tmp/kvstorage-redis-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder") }
        self.folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.arguments = arguments
        // A port that was free a moment ago may be taken by now.
        for _ in 0..<5 {
            let port = try LoopbackSocket.freePort()
            if let process = try Self.start(executable, port, self.folder, arguments) {
                self.port = port
                self.process = Mutex(process)
                Self.stopAtExit(process, self.folder)
                return
            }
        }
        throw Failure(description: "redis-server does not start; is it installed?")
    }

    deinit {
        self.kill()
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    /// Ends the server in the middle of whatever it does.
    func kill() {
        self.process.withLock { process in
            guard let running = process else { return }
            running.kill()
            _ = running.wait()
            Self.hasStopped(running)
            process = nil
        }
    }

    /// Starts the server again, at the same places.
    func restart() throws {
        guard let process = try Self.start(self.executable, self.port, self.folder, self.arguments) else {
            throw Failure(description: "redis-server does not start again")
        }
        Self.stopAtExit(process, self.folder)
        self.process.withLock { $0 = process }
    }

    /// Takes away where it saves its data.
    func removeFolder() throws {
        try FileManager.default.removeItem(atPath: self.folder)
    }

    /// Stops the server from doing anything until ``goOn()``.
    func freeze() {
        self.process.withLock { $0?.signal(SIGSTOP) }
    }

    func goOn() {
        self.process.withLock { $0?.signal(SIGCONT) }
    }

    /// Returns the server's process once it takes connections, or `nil` if it ended before.
    private static func start(
        _ executable: String,
        _ port: Int,
        _ folder: String,
        _ arguments: [String]
    ) throws -> ChildProcess? {
        let process = try ChildProcess(
            executable,
            ["--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", "\(folder)/redis.sock", "--dir", folder]
                + ["--save", "", "--daemonize", "no"] + arguments,
            error: .none
        )
        var text = Data()
        let ready = Data("Ready to accept connections".utf8)
        while text.range(of: ready) == nil {
            let more = process.read()
            if more.isEmpty { return nil }
            text.append(contentsOf: more)
        }
        // Somebody has to read what else it says, or it would wait for that one day.
        Thread.detachNewThread { while !process.read().isEmpty {} }
        return process
    }

    /// Sees to it that another process of the tests does not outlive them.
    static func killAtExit(_ process: ChildProcess) {
        Self.stopAtExit(process, nil)
    }

    private static let started = Mutex<[(identifier: Int32, folder: String?)]>([])
    private static let registration: Void = {
        atexit {
            for (identifier, folder) in RedisServer.started.withLock({ $0 }) {
                Foundation.kill(identifier, SIGKILL)
                if let folder { try? FileManager.default.removeItem(atPath: folder) }
            }
        }
    }()

    /// Sees to it that the server does not outlive the tests.
    private static func stopAtExit(_ process: ChildProcess, _ folder: String?) {
        _ = self.registration
        self.started.withLock { $0.append((process.identifier, folder)) }
    }

    /// It has ended, and another process may have its number one day.
    static func hasStopped(_ process: ChildProcess) {
        self.started.withLock { $0.removeAll { $0.identifier == process.identifier } }
    }
}

extension RedisServer {
    /// Sends one command and returns the reply.
    @discardableResult
    func call(_ words: String...) async throws -> Reply {
        try await self.call(words)
    }

    func call(_ words: [String]) async throws -> Reply {
        var options = Connection.Options(endpoint: .host("127.0.0.1", port: self.port))
        options.commandTimeout = .seconds(30)
        let connection = try Connection(options)
        let reply = try await connection.send(isRepeatable: false) { writer in
            writer.begin(words.count)
            for word in words { writer.word(word) }
        }
        await connection.close()
        return reply
    }
}

/// A number that tasks count up together.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    var now: Int { self.value.load(ordering: .relaxed) }

    func add() {
        self.value.wrappingAdd(1, ordering: .relaxed)
    }
}

/// The little of the socket interface that the tests need.
enum LoopbackSocket {
    static func listen(backlog: Int32 = 64) throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) | Glibc.listen(descriptor, backlog)
                    | getsockname(descriptor, pointer, &size)
            }
        }
        guard code == 0 else { throw RedisServer.Failure(description: "no port is free") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func freePort() throws -> Int {
        let (descriptor, port) = try self.listen()
        close(descriptor)
        return port
    }

    /// Whether a descriptor is closed in programs that are started, and whether it never blocks.
    static func flags(of descriptor: Int32) -> (closesOnExec: Bool, isNonblocking: Bool) {
        (fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0, fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
    }

    static func connect(port: Int) throws -> Int32 {
        guard let address = try RedisPlatform.addresses(ofHost: "127.0.0.1", port: port, digitsOnly: true).get().first
        else { throw RedisServer.Failure(description: "no address") }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let code = address.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            } ?? -1
        }
        guard code == 0 else {
            close(descriptor)
            throw RedisServer.Failure(description: "no connection")
        }
        return descriptor
    }
}
