import Synchronization

/// A system call that changed something, with the handles that it was made with.
enum SystemCall: Sendable {
    /// A relative path if the handle is `nil`: the base folder and those above it.
    case makeFolder(Int32?, String)
    case create(Int32, String)
    case write(Int32, [UInt8])
    case synchronize(Int32)
    case rename(Int32, String, Int32, String)
    case exchange(Int32, String, String)
    case link(Int32, String, Int32, String)
    case unlink(Int32, String)
    /// A byte that was written into the file that locks are on.
    case mark(Int32, Int, UInt8)
}

/// Lets a test see the system calls that change something, and hold up or fail a flush, which no real disk does on demand.
///
/// Costs one atomic load per call while none is installed.
package struct SystemHook: Sendable {
    /// Called before a file or folder is flushed; what it returns is what the flush fails with.
    var beforeSynchronize: @Sendable (Int32) -> SystemError? = { _ in nil }
    /// Called after a call that succeeded, while its handles are open.
    var after: @Sendable (SystemCall) -> Void = { _ in }

    private struct State {
        var nextID = 0
        var hooks: [Int: SystemHook] = [:]
    }

    private static let state = Mutex(State())
    private static let isInstalled = Atomic(false)

    /// Has the hook called until it is removed.
    static func install(_ hook: SystemHook) -> Int {
        self.state.withLock { state in
            state.nextID += 1
            state.hooks[state.nextID] = hook
            self.isInstalled.store(true, ordering: .releasing)
            return state.nextID
        }
    }

    static func remove(_ id: Int) {
        self.state.withLock { state in
            state.hooks[id] = nil
            self.isInstalled.store(!state.hooks.isEmpty, ordering: .releasing)
        }
    }

    /// Has the body called after every call that changed something; to be removed by nobody.
    package static func notify(_ body: @escaping @Sendable () -> Void) {
        _ = self.install(SystemHook(after: { _ in body() }))
    }

    @inline(__always)
    static func did(_ call: @autoclosure () -> SystemCall) {
        if self.isInstalled.load(ordering: .acquiring) { self.callAfter(call()) }
    }

    @inline(__always)
    static func willSynchronize(_ handle: Int32) throws(SystemError) {
        if self.isInstalled.load(ordering: .acquiring) { try self.callBefore(handle) }
    }

    @inline(never)
    private static func callAfter(_ call: SystemCall) {
        for hook in self.state.withLock({ Array($0.hooks.values) }) { hook.after(call) }
    }

    @inline(never)
    private static func callBefore(_ handle: Int32) throws(SystemError) {
        for hook in self.state.withLock({ Array($0.hooks.values) }) {
            if let failure = hook.beforeSynchronize(handle) { throw failure }
        }
    }
}
