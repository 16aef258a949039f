import KVStorage
import Synchronization

/// A folder's handle that is kept until whoever needs it is done.
final class OpenFolder: Sendable {
    private let handle: FileHandle
    var raw: Int32 { self.handle.raw }

    init(_ handle: consuming FileHandle) {
        self.handle = handle
    }
}

/// Flushes folders, once for all who wait for the same one.
///
/// A flush covers what was done before it began. Who comes while one runs waits for the next, together with all others who
/// come meanwhile; they wait without a thread.
final class FolderFlush: Sendable {
    typealias Completion = @Sendable (SystemError?) -> Void

    /// Who waits for the flush that begins next; a folder has an entry for as long as it is being flushed.
    private let waiting = Mutex<[FileStatus.Identity: [Completion]]>([:])

    /// Has the folder flushed and calls the completion; on this thread if nobody flushes the folder just now.
    ///
    /// To be called on a thread that may block.
    func join(_ folder: OpenFolder, _ completion: @escaping Completion) {
        let identity: FileStatus.Identity
        do { identity = try FileStatus.of(folder.raw).identity } catch { return completion(error) }
        let isFirst = self.waiting.withLock { waiting in
            if waiting[identity]?.append(completion) != nil { return false }
            waiting[identity] = []
            return true
        }
        guard isFirst else { return }
        var completions = [completion]
        while !completions.isEmpty {
            var failure: SystemError?
            do { try System.synchronize(folder.raw) } catch { failure = error }
            for completion in completions { completion(failure) }
            completions = self.waiting.withLock { waiting in
                let next = waiting[identity] ?? []
                waiting[identity] = next.isEmpty ? nil : []
                return next
            }
        }
    }
}
