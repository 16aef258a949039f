import KVStorage

extension Behavior {
    /// All promises at once: random calls against a model.
    static let model: [Behavior] = (1...4).map { seed in
        Behavior(
            "model.random\(seed)",
            promise: 2,
            "Any sequence of calls answers as a dictionary with deadlines would.",
            movesClock: true
        ) { store in
            let calls = ModelCall.random(400, seed: UInt64(seed))
            guard let divergence = await ModelRun.firstDivergence(of: calls, on: store) else { return }
            let limit = min(store.patience / 20, .milliseconds(500))
            let shortest = await ModelRun.shrink(calls, divergence, store, within: limit)
            throw failure(shortest.divergence.error, after: shortest.calls, seed: seed)
        }
    }

    /// What went wrong, with the calls that lead there: nobody needs the seed to repeat it.
    private static func failure(_ error: any Error, after calls: [ModelCall], seed: Int) -> ConformanceFailure {
        let known = error as? ConformanceFailure
        let expectation = known?.expectation ?? "expected: no error, got \(error)"
        let shown = calls.suffix(40)
        let omitted = calls.count > shown.count ? "… (\(calls.count - shown.count) more), " : ""
        let sequence = omitted + shown.map { "\($0)" }.joined(separator: ", ")
        let count = calls.count == 1 ? "1 call" : "\(calls.count) calls"
        return ConformanceFailure(
            "\(expectation), after \(count) of seed \(seed): \(sequence)", at: known?.location)
    }
}
