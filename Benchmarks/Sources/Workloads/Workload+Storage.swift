package import KVStorage

extension Workload {
    /// Reads items of the sample as bytes.
    package static func gets(
        _ storage: Storage,
        _ sample: Sample,
        operations: Int? = nil,
        tasks: Int = 1
    ) -> Workload {
        let operations = operations ?? sample.keys.count
        return Workload(operations: operations, tasks: tasks) { slice, pass in
            var sum = 0
            for index in slice {
                let position = sample.position(index, pass: pass, of: operations)
                guard let value = try await storage.getItemRaw(sample.keys[position]) else { continue }
                sum &+= checksum(value)
            }
            return sum
        }
    }

    /// Stores items of the sample as bytes, another value in each pass.
    package static func sets(
        _ storage: Storage,
        _ sample: Sample,
        operations: Int? = nil,
        tasks: Int = 1
    ) -> Workload {
        let operations = operations ?? sample.keys.count
        return Workload(operations: operations, tasks: tasks) { slice, pass in
            for index in slice {
                let position = sample.position(index, pass: pass, of: operations)
                try await storage.setItemRaw(sample.keys[position], sample.value(position, pass: pass))
            }
            return slice.count
        }
    }

    /// Lists the keys below one base after the other.
    package static func lists(_ storage: Storage, bases: [String], operations: Int) -> Workload {
        Workload(operations: operations) { slice, _ in
            var sum = 0
            for index in slice {
                for key in try await storage.getKeys(bases[index % bases.count]) {
                    sum &+= key.utf8.reduce(1) { $0 &* 31 &+ Int($1) }
                }
            }
            return sum
        }
    }
}

extension Storage {
    /// Stores copies of all items of the sample and returns the storage.
    package func filled(_ sample: Sample) async throws -> Storage {
        try await self.fill(sample)
        return self
    }

    /// Stores copies of all items of the sample, in batches.
    package func fill(_ sample: Sample) async throws {
        let items = sample.copies()
        for start in stride(from: 0, to: items.count, by: 1000) {
            try await self.setItemsRaw(items[start..<min(start + 1000, items.count)].map { ($0.key, $0.value) })
        }
    }
}

/// Says little about the value, but touches it, and costs next to nothing.
func checksum(_ value: [UInt8]) -> Int {
    value.count &+ Int(value.first ?? 0)
}
