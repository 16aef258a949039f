import KVStorage

extension WrongDriverTests {
    /// What any fault of an answer breaks: the comparison with the model.
    private static let model: Set = ["model.random1", "model.random2", "model.random3", "model.random4"]

    static let faults: [Fault] =
        Self.lifeTimeFaults + Self.listingFaults + Self.atomicFaults + Self.valueFaults
        + Self.raceFaults + Self.mediumFaults

    private static let lifeTimeFaults: [Fault] = [
        Fault(
            name: "forgets lifetimes",
            breaks: model.union([
                "cancellation.before", "sweeping.leavesMedium", "sweeping.causes", "clearing.withLifetimes",
                "contract.appliesOptions",
                "expired.clear", "expired.compareAndSwapItem",
                "expired.getItem", "expired.getItemRaw", "expired.getItems", "expired.getKeys", "expired.getMeta",
                "commits.lifetimes", "entries.meta", "entries.ofOneWrite", "expired.hasItem", "expired.incrementItem",
                "expired.items",
                "expired.keepTTL", "expired.keys",
                "expired.removeItem", "expired.removeItems", "expired.setItemIfAbsent", "expired.setMeta",
                "expired.snapshot", "expired.takeItem", "expired.touchItem", "expired.updateItem",
                "expired.updateItemDefault", "lifetimes.clockTurnedBack", "lifetimes.kept", "lifetimes.longest",
                "lifetimes.overwritten", "lifetimes.remaining", "lifetimes.setItem", "lifetimes.setItemRaw",
                "lifetimes.shortest", "lifetimes.touchedAbsent", "metadata.leavesLifetime", "paging.expiring",
                "snapshots.lifetimes", "swapping.failedLeavesAll", "sweeping.everyWrite", "sweeping.noRevival",
                "sweeping.removes", "sweeping.spares", "updating.throws",
            ]),
            limit: .seconds(12)
        ) { ForgetsLifetimes(base: $0) },
        Fault(
            name: "ignores keepTTL",
            breaks: ["lifetimes.clockTurnedBack", "lifetimes.kept", "model.random3", "model.random4"]
        ) { IgnoresKeepTTL(base: $0) },
        Fault(
            name: "creates by touch",
            breaks: model.union([
                "cancellation.before", "expired.touchItem", "lifetimes.touchedAbsent", "removing.absent",
                "watching.nothing",
            ])
        ) { CreatesByTouch(base: $0) },
        Fault(
            name: "touches by writing",
            breaks: ["metadata.mtime"],
            mayBreak: ["updating.mixedConcurrent"]
        ) { TouchesByWriting(base: $0) },
        Fault(
            name: "hides removals",
            breaks: [
                "sweeping.leavesMedium", "watching.batchRemovals", "watching.overlapping", "sweeping.everyWrite",
                "sweeping.many", "sweeping.removes", "sweeping.spares", "watchers.concurrent",
                "watchers.lastEvent", "watching.atomicCalls", "watching.base", "watching.batches", "watching.clear",
                "watching.items", "commits.events", "sweeping.causes",
            ],
            mayBreak: ["watching.halfBatch"],
            limit: .seconds(12)
        ) { HidesRemovals(base: $0) },
        Fault(
            name: "mistakes causes",
            breaks: [
                "commits.events", "sweeping.causes", "sweeping.everyWrite", "sweeping.leavesMedium", "sweeping.many",
                "sweeping.removes", "sweeping.spares", "watchers.concurrent", "watching.atomicCalls", "watching.base",
                "watching.batchRemovals", "watching.batches", "watching.clear", "watching.items",
            ],
            limit: .seconds(12)
        ) { MistakesCauses(base: $0) },
        Fault(
            name: "stays open",
            breaks: ["contract.closed", "disposal.whileBusy"],
            limit: .seconds(12)
        ) { StaysOpen(base: $0) },
    ]

    private static let listingFaults: [Fault] = [
        Fault(
            name: "over-clears",
            breaks: model.union([
                "branches.clear", "branches.prefixed", "clearing.boundaries", "clearing.exactlyWhatIsListed",
                "clearing.itemAtBase", "clearing.literalBase", "contract.clears", "listing.prefixed", "watching.base",
                "watching.clear",
            ]),
            mayBreak: ["clearing.whileWriting"]
        ) { OverClears(base: $0) },
        Fault(
            name: "under-clears",
            breaks: model.union([
                "branches.clear", "branches.prefixed", "clearing.exactlyWhatIsListed", "clearing.many",
                "clearing.whileWriting", "contract.clears", "metadata.notListed", "watching.base",
            ])
        ) { UnderClears(base: $0) },
        Fault(name: "clears by pattern", breaks: ["branches.clear", "branches.prefixed", "clearing.literalBase"]) {
            ClearsByPattern(base: $0)
        },
        Fault(
            name: "clears everything",
            breaks: model.union([
                "branches.clear", "branches.prefixed", "watching.masked", "clearing.boundaries",
                "clearing.exactlyWhatIsListed", "clearing.itemAtBase", "clearing.literalBase", "clearing.many",
                "contract.clears", "listing.prefixed", "removing.clear", "watching.base",
                "watching.clear", "watching.nothing",
            ]),
            mayBreak: ["clearing.whileWriting"]
        ) { ClearsEverything(base: $0) },
        Fault(name: "lists twice", breaks: pages) { ListsTwice(base: $0) },
        Fault(name: "lists one page", breaks: pages) { ListsOnePage(base: $0) },
        Fault(
            name: "counts depth from the base",
            breaks: model.union([
                "branches.list", "contract.depths", "keys.escaped", "listing.maxDepth", "listing.prefixed",
            ])
        ) { CountsDepthFromBase(base: $0) },
    ]

    private static let pages: Set = [
        "batches.large", "branches.clear", "branches.depths", "branches.pages", "branches.prefixed",
        "cancellation.pages", "contract.depths", "contract.pages", "entries.listed", "listing.manyBranches",
        "pages.anyKey", "pages.exact", "pages.kept", "paging.changing",
        "paging.everySize",
        "paging.expiring", "paging.items", "paging.many", "paging.ordered", "paging.removingWhileListing",
        "snapshots.copy",
    ]

    private static let atomicFaults: [Fault] = [
        Fault(
            name: "loses updates",
            breaks: ["updating.concurrent", "updating.concurrentAppends", "racing.ifAbsent"],
            mayBreak: [
                "cancellation.update", "racing.swap", "racing.take", "racing.takeAndIncrement", "racing.takeMixed",
                "updating.bodyRuns", "updating.mixedConcurrent", "updating.slowBody",
            ]
        ) { LosesUpdates(base: $0) },
        Fault(
            name: "swaps anything",
            breaks: model.union([
                "cancellation.before", "contract.swapsTell", "racing.ifAbsent", "swapping.create",
                "swapping.failedLeavesAll",
                "swapping.ifAbsent", "swapping.remove", "values.empty", "watching.nothing",
            ]),
            mayBreak: [
                "cancellation.update", "racing.swap", "racing.take", "racing.takeAndIncrement", "racing.takeMixed",
                "updating.bodyRuns", "updating.slowBody", "updating.concurrent", "updating.concurrentAppends",
                "updating.mixedConcurrent",
            ]
        ) { SwapsAnything(base: $0) },
        Fault(
            name: "tears batches",
            breaks: ["batches.readWhole", "batches.seenWhole", "racing.batches"],
            mayBreak: [
                "commits.seenWhole",
                "transactions.fair", "transactions.onlyReads", "transactions.runsAgain", "transactions.transfers",
            ]
        ) { TearsBatches(base: $0) },
        Fault(
            name: "claims removals",
            breaks: model.union([
                "expired.removeItem", "keys.branchIsNoItem", "racing.remove", "racing.removeMixed", "removing.tells",
            ])
        ) { ClaimsRemovals(base: $0) },
    ]

    private static let valueFaults: [Fault] = [
        Fault(
            name: "keeps metadata",
            breaks: [
                "cancellation.before", "model.random1", "model.random2", "model.random3", "model.random4",
                "removing.clear",
                "removing.compareAndSwapItem",
                "removing.removeItem", "removing.removeItems", "removing.setNil", "removing.takeItem",
                "removing.takeItemRaw", "removing.updateToNil", "sweeping.noRevival",
            ]
        ) { KeepsMetadata(base: $0) },
        Fault(
            name: "folds keys",
            breaks: [
                "branches.prefixed", "branches.watch", "clearing.literalBase", "keys.canonicallyEquivalent",
                "keys.together", "paging.ordered", "snapshots.roundTrip",
            ],
            mayBreak: ["keys.joining"]
        ) { FoldsKeys(base: $0) },
        Fault(
            name: "drops duplicates",
            breaks: [
                "batches.order", "contract.answers", "entries.order", "keys.canonicallyEquivalent",
                "keys.lookalikesInBatches", "keys.together", "snapshots.roundTrip",
            ]
        ) { DropsDuplicates(base: $0) },
        Fault(
            name: "keeps text",
            breaks: [
                "racing.swap", "racing.wholeValues", "snapshots.roundTrip", "values.bytes", "values.large",
                "values.larger", "values.wrongType",
            ]
        ) { KeepsText(base: $0) },
        Fault(
            name: "loses empty values",
            breaks: [
                "keys.escaped", "snapshots.roundTrip", "updating.incrementRefused", "values.bytes", "values.empty",
                "values.optionals",
                "values.overwritten", "values.text",
            ]
        ) { LosesEmptyValues(base: $0) },
    ]
}
