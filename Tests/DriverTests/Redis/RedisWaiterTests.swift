import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis: what a task waits with")
struct RedisWaiterTests {
    @Test("the outcome reaches the task, also one that comes before the task sleeps")
    func outcome() async throws {
        let early = Waiter()
        await early.wait { early.resume(.success(.integer(1))) }
        #expect(try early.takeOutcome().get() == .integer(1))

        let late = Waiter()
        let (added, continuation) = AsyncStream.makeStream(of: Void.self)
        async let reply = Self.reply(late) { continuation.yield() }
        for await _ in added { break }
        late.resume(.failure(StorageError(.timeout, "late")))
        #expect(await reply == .failure(.timeout))
    }

    @Test("a second outcome changes nothing")
    func twice() async throws {
        let waiter = Waiter()
        await waiter.wait {
            waiter.resume(.success(.integer(1)))
            waiter.resume(.success(.integer(2)))
        }
        #expect(try waiter.takeOutcome().get() == .integer(1))
        waiter.resume(.success(.integer(3)))
        #expect(throws: StorageError.self) { try waiter.takeOutcome().get() }
    }

    @Test("whichever comes first, the command's number or the cancellation, the other learns of it once")
    func cancellation() {
        let issued = Waiter()
        #expect(!issued.issue(7))
        #expect(issued.cancel() == 7)
        #expect(issued.cancel() == nil)

        let cancelled = Waiter()
        #expect(cancelled.cancel() == nil)
        #expect(cancelled.issue(8))
    }

    private enum Told: Equatable {
        case success(Reply)
        case failure(StorageError.Code)
    }

    @concurrent
    private static func reply(_ waiter: Waiter, _ added: @Sendable () -> Void) async -> Told {
        await waiter.wait(added)
        do throws(StorageError) {
            return .success(try waiter.takeOutcome().get())
        } catch {
            return .failure(error.code)
        }
    }
}
