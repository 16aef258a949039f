import Foundation
import KVStorage
import Testing

@testable import Playground

@Suite struct SettingsTests {
    @Test func theEnvironmentIsRead() throws {
        #expect(try Settings(environment: [:]).port == 3000)
        #expect(try Settings(environment: [:]).store == .sqlite(path: "data/playground.db"))
        let settings = try Settings(environment: ["PORT": "8080", "STORE": "sqlite:/tmp/a:b.db"])
        #expect(settings.port == 8080)
        #expect(settings.store == .sqlite(path: "/tmp/a:b.db"))
        #expect(try Settings(environment: ["STORE": "memory"]).store == .memory)
        #expect(try Settings(environment: ["STORE": "files:./items"]).store == .files(path: "./items"))
        #expect(try Settings(environment: ["STORE": "fs:./data"]).store == .files(path: "./data"))
        #expect(try Settings(environment: ["STORE": "lmdb:./data"]).store == .lmdb(path: "./data"))
        for url in ["redis://127.0.0.1:6379", "redis-cluster://one,two", "unix:///run/redis.sock"] {
            #expect(try Settings(environment: ["STORE": url]).store == .redis(url: url))
        }
    }

    @Test(arguments: [
        ["PORT": "70000"], ["PORT": "http"], ["STORE": "sqlite"], ["STORE": "lmdb"], ["STORE": "memory:x"],
        ["STORE": "tape:/dev/st0"],
    ])
    func whatMakesNoSenseIsRefused(_ environment: [String: String]) {
        #expect(throws: Settings.Invalid.self) { try Settings(environment: environment) }
    }

    @Test func anLMDBFolderIsMadeForItsOwnerAndKeepsWhatIsStored() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "playground-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try Store("lmdb:\(folder.path)/data")
        #expect(store.folder == "\(folder.path)/data")
        for round in 1...2 {
            let storage = try store.open()
            #expect(try await storage.incrementItem("visits") == round)
            try await storage.dispose()
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/data")
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test func aRedisURLIsCheckedAtOnceAndNotShown() async throws {
        let store = try Store("redis://:sesame@127.0.0.1:1")
        #expect(store.folder == nil)
        #expect(!"\(store)".contains("sesame"))
        // It connects when it is first used.
        try await store.open().dispose()
        let error = #expect(throws: StorageError.self) { try Store("redis:127.0.0.1").open() }
        #expect(error?.code == .invalidOption)
    }

    @Test func theSecretIsMadeOnceAndIsNobodyElses() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "playground-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let settings = try Settings(environment: ["STORE": "sqlite:\(folder.path)/x.db"])
        let secret = try settings.secret()
        #expect(secret.utf8.count == 64)
        #expect(try settings.secret() == secret)
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/session-secret")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}
