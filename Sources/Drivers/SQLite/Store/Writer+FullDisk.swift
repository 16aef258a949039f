import KVStorage

extension Writer {
    /// Carries out operations whose transaction found the disk full.
    ///
    /// 1. A log that is copied into the database begins anew, in the room that it has already.
    /// 2. If the database can't take it, it gets the reserve, and the log gives its room back, out of which the reserve is
    ///    made again; only with it there is a disk not taken for full.
    /// 3. What only removes is then carried out with the help of the reserve, one after the other, where need be in
    ///    pieces; the rest has failed.
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
        defer { self.reserve.make() }
        if let outcome = self.withReserve({ self.attempt([operation])?.first }) { return outcome }
        return switch operation {
        case .clear(let base): self.clearOnFullDisk(base, error)
        case .sweep(let deadline, let limit): self.sweepOnFullDisk(deadline, limit, error)
        default: .failure(error)
        }
    }

    private func withReserve<Value>(_ body: () -> Value) -> Value {
        self.reserve.release()
        defer { self.connection.checkpoint(truncating: true) }
        return body()
    }

    /// Clears in several transactions: the log takes a copy of each page that is changed, and so one for everything would
    /// need as much room as what is removed.
    private func clearOnFullDisk(_ base: String, _ error: StorageError) -> Outcome {
        var total = 0
        var limit = Self.firstPiece
        var last: StorageError?
        while limit > 0 {
            let piece = self.withReserve { self.attemptToClear(limit, of: base) }
            switch piece {
            case .success(let removed):
                total += removed.items
                if removed.rows < limit { return .success(WriteOperation.Answer(number: total)) }
            case .failure(let error) where error.code == .full: limit /= 4
            case .failure(let error):
                last = error
                limit = 0
            }
        }
        guard total > 0 else { return .failure(last ?? error) }
        return .failure(
            StorageError(
                .partlyDone,
                "the disk is full and \(total) items were removed, in several transactions, before one failed; try again",
                underlying: last ?? error
            )
        )
    }

    private func attemptToClear(
        _ limit: Int,
        of base: String
    ) -> Result<(rows: Int, items: Int), StorageError> {
        do throws(StorageError) {
            try self.begin()
        } catch {
            return .failure(error)
        }
        return self.transact { () throws(StorageError) in try self.clearFirst(limit, of: base) }
    }

    /// Removes fewer items than it might; the sweep goes on while there are some.
    private func sweepOnFullDisk(_ deadline: Timestamp, _ limit: Int, _ error: StorageError) -> Outcome {
        var limit = min(limit, Self.firstPiece)
        while limit > 0 {
            let outcome = self.withReserve { self.attempt([.sweep(deadline: deadline, limit: limit)])?.first }
            if let outcome { return outcome }
            limit /= 4
        }
        return .failure(error)
    }

    // How many items are removed at once at first, where there is hardly any room.
    private static var firstPiece: Int { 256 }

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
