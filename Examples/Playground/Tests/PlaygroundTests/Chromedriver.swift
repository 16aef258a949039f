import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// The program that browsers are driven through.
struct Chromedriver: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let port: Int

    /// Starts chromedriver, lets the body open browsers, and ends it with all of them.
    static func run<Result>(_ body: (Chromedriver) async throws -> Result) async throws -> Result {
        let (process, word) = try await self.start()
        guard let port = Int(word.filter(\.isNumber)) else {
            throw Failure(description: "chromedriver is on port \"\(word)\"")
        }
        let driver = Chromedriver(port: port)
        do {
            let result = try await body(driver)
            try await driver.shutDown(process)
            return result
        } catch {
            // In a task of its own, as this one may be cancelled: browsers must not be left behind.
            await Task { try? await driver.shutDown(process) }.value
            throw error
        }
    }

    /// Starts it and returns the word for its port.
    private static func start() async throws -> (process: ServerProcess, word: String) {
        // It ends at once if the port that it was given for IPv6 is another program's for IPv4.
        for _ in 0..<5 {
            let process = try ServerProcess("chromedriver", ["--port=0"])
            if let word = try? await process.word(after: "started successfully on port ") { return (process, word) }
        }
        throw Failure(description: "chromedriver does not start")
    }

    private func shutDown(_ process: ServerProcess) async throws {
        _ = try await self.send(.GET, "shutdown", Data())
        _ = await process.exitStatus()
    }

    /// Sends a command on a connection of its own and returns the answer's body.
    ///
    /// Not by URLSession, which on Linux refuses fields without a space after the colon, as chromedriver sends them.
    func send(_ method: HTTPMethod, _ path: String, _ body: Data) async throws -> Data {
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
        let fields: HTTPHeaders = [
            "host": "127.0.0.1:\(self.port)",
            "content-type": "application/json; charset=utf-8",
            "content-length": "\(body.count)",
            "connection": "close",
        ]
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: "/\(path)", headers: fields)
        return try await connection.executeThenClose { inbound, outbound in
            let content = HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body)))
            try await outbound.write(contentsOf: [.head(head), content, .end(nil)])
            var answer = Data()
            for try await part in inbound {
                switch part {
                case .head: break
                case .body(let buffer): answer.append(contentsOf: buffer.readableBytesView)
                case .end: return answer
                }
            }
            throw Failure(description: "chromedriver hung up on \(method) /\(path)")
        }
    }
}
