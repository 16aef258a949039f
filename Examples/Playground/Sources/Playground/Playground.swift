import Foundation
import Hummingbird
import KVStorage
import Sessions

/// A web application that keeps its visitors' sessions in a storage of your choice. See ``Settings`` for what it reads
/// from the environment.
@main
enum Playground {
    static func main() async {
        do {
            try await self.run(Settings(environment: ProcessInfo.processInfo.environment))
        } catch {
            FileHandle.standardError.write(Data("playground: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func run(_ settings: Settings) async throws {
        let storage = try settings.store.open()
        var options = SessionOptions()
        // The playground speaks plain HTTP on this machine alone, and not every browser takes Secure cookies from there.
        // Behind TLS leave the default, which is always.
        options.cookie.secure = .automatic
        let sessions = try SessionConfig(
            in: .storage(storage.prefixed("sessions"), secrets: [settings.secret()]),
            options: options
        ) { Visitor() }
        // Ends with SIGTERM or SIGINT, when the requests under way have their answers.
        try await makeApplication(settings, storage: storage, sessions: sessions).runService()
    }
}
