import KVStorage

extension SQLiteWriter {
    /// Carries out operations whose transaction found the disk full.
    ///
    /// 1. A log that is copied into the database begins anew, in the room that it has already.
    /// 2. If the database can't take it, it gets the reserve, and the log gives its room back, out of which the reserve is
    ///    made again; only with it there is a disk not taken for full.
    /// 3. What only removes is then carried out with the help of the reserve, one after the other; the rest has failed.
    func commitOnFullDisk(_ operations: [WriteOperation], _ error: StorageError) -> [Outcome] {
        self.connection.checkpoint(truncating: false)
        if let outcomes = self.attempt(operations) { return outcomes }
        self.reserve.release()
        self.connection.checkpoint(truncating: true)
        if self.reserve.make(), let outcomes = self.attempt(operations) { return outcomes }
        return operations.map { operation in
            if operation.onlyRemoves { return self.removeOnFullDisk(operation, error) }
            // A smaller one than its neighbours may still fit.
            guard operations.count > 1 else { return .failure(error) }
            return self.attempt([operation])?.first ?? .failure(error)
        }
    }

    private func removeOnFullDisk(_ operation: WriteOperation, _ error: StorageError) -> Outcome {
        self.reserve.release()
        defer {
            self.connection.checkpoint(truncating: true)
            self.reserve.make()
        }
        return self.attempt([operation])?.first ?? .failure(error)
    }

    /// Carries out the operations in one transaction, or each in its own if that fails; `nil` if the disk is full.
    private func attempt(_ operations: [WriteOperation]) -> [Outcome]? {
        do throws(StorageError) {
            try self.begin()
        } catch {
            return error.code == .full ? nil : operations.map { _ in .failure(error) }
        }
        return switch self.transact(operations) {
        case .success(let outcomes): outcomes
        case .failure(let error) where error.code == .full: nil
        case .failure(let error) where operations.count == 1: [.failure(error)]
        case .failure: self.commitEach(operations)
        }
    }
}

extension WriteOperation {
    /// Whether it leaves less than before, so that it may use what is kept for that.
    fileprivate var onlyRemoves: Bool {
        switch self {
        case .remove, .take, .clear, .sweep, .setMeta(_, nil), .compareAndSwap(_, _, nil, _): true
        case .apply(let mutations):
            mutations.allSatisfy { mutation in
                if case .remove = mutation { true } else { false }
            }
        case .set, .touch, .increment, .setMeta, .compareAndSwap: false
        }
    }
}
