extension StorageError {
    /// The kind of a ``StorageError``; an open set, so that a later version can add to it.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case invalidKey, invalidOption, decoding, encoding, overflow, notSupported, readOnly, closed
            case alreadyMounted, tooLarge, full, conflict, corrupted, incompatibleFormat, permissionDenied
            case unavailable, inputOutput, connectionLost, timeout, partlyDone, overloaded, cancelled
        }

        private let value: Value

        private init(_ value: Value) {
            self.value = value
        }

        /// The name of the code, as in `StorageError.Code.invalidKey`.
        public var description: String { self.value.rawValue }

        /// The key is empty, holds NUL, ends in `$`, is itself a mount point, or is too long for the engine.
        public static let invalidKey = Code(.invalidKey)
        /// An argument or a configuration can't be honoured: a lifetime of zero, a page size of zero, a bad path.
        public static let invalidOption = Code(.invalidOption)
        /// The stored bytes are not of the type asked for; they stay as they are.
        public static let decoding = Code(.decoding)
        /// The value can't be expressed in the storage's codec; nothing was written.
        public static let encoding = Code(.encoding)
        /// An increment would leave the range of `Int`; the item stays as it is.
        public static let overflow = Code(.overflow)
        /// The driver has no such ability; its ``Capabilities`` say so.
        public static let notSupported = Code(.notSupported)
        /// The mount or its medium does not allow writing.
        public static let readOnly = Code(.readOnly)
        /// The storage or its driver was disposed.
        public static let closed = Code(.closed)
        /// Another driver is mounted at the same base.
        public static let alreadyMounted = Code(.alreadyMounted)
        /// The item is larger than the store or the engine takes.
        public static let tooLarge = Code(.tooLarge)
        /// The medium or a quota is full; the item was not written.
        public static let full = Code(.full)
        /// The item kept changing underneath a bounded number of attempts.
        public static let conflict = Code(.conflict)
        /// The store's own data is damaged or is not what its format says.
        public static let corrupted = Code(.corrupted)
        /// The store was written by a newer version or by another program.
        public static let incompatibleFormat = Code(.incompatibleFormat)
        /// The operating system or the server denies access.
        public static let permissionDenied = Code(.permissionDenied)
        /// The store can't be reached or is locked by somebody else for too long.
        public static let unavailable = Code(.unavailable)
        /// Reading or writing the medium failed.
        public static let inputOutput = Code(.inputOutput)
        /// The connection broke while the command may have run.
        public static let connectionLost = Code(.connectionLost)
        /// The store did not answer in time.
        public static let timeout = Code(.timeout)
        /// A call that is not all-or-nothing failed after a part of it was done, or may have been; what is there has to be
        /// read again before the call is repeated.
        public static let partlyDone = Code(.partlyDone)
        /// Too many calls are waiting already.
        public static let overloaded = Code(.overloaded)
        /// The calling task was cancelled before the call began to change anything; nothing was changed.
        public static let cancelled = Code(.cancelled)
    }
}
