extension Storage {
    /// Throws if what is copied from this view to the other would be listed here again.
    ///
    /// Such a copy would go on forever: each item that it writes is one more to copy, under a longer key each time. Drivers
    /// are compared through wrappers as far as these show what they wrap.
    func requireApart(from target: Storage) throws(StorageError) {
        let targetBase = try target.fullBase("")
        let sources = self.core.table.mounts(concerning: self.base)
        for written in target.core.table.mounts(concerning: targetBase) {
            let engines = written.driver.engines
            for read in sources where read.id == written.id || !engines.isDisjoint(with: read.driver.engines) {
                let readBase = read.relative(self.base)
                let writtenBase = written.relative(targetBase)
                let overlaps = keyHasPrefix(readBase, writtenBase) || keyHasPrefix(writtenBase, readBase)
                // By how much the driver's key is longer than the key that both views have in common. One that gets shorter
                // on its way ends: copying a branch to what it lies in.
                let readCount = self.base.utf8.count - read.baseCount
                let writtenCount = targetBase.utf8.count - written.baseCount
                guard overlaps, writtenCount >= readCount else { continue }
                throw StorageError(
                    .invalidOption,
                    "the target lies in what is copied, so the copy would copy itself; copy to a branch or a store beside it"
                )
            }
        }
    }
}

extension StorageDriver {
    /// The identities of the driver and of those that it wraps, as far as they can be known.
    fileprivate var engines: Set<ObjectIdentifier> {
        var found: Set<ObjectIdentifier> = []
        var pending: [any StorageDriver] = [self]
        while let driver = pending.popLast() {
            if type(of: driver) is AnyClass { found.insert(ObjectIdentifier(driver as AnyObject)) }
            if let wrapper = driver as? any ForwardingDriver { pending.append(wrapper.base) }
            if let wrapper = driver as? TransformedDriver { pending.append(wrapper.base) }
            if let cache = driver as? CachedDriver { pending.append(cache.wrapped) }
            if let overlay = driver as? OverlayDriver { pending += overlay.layers }
        }
        return found
    }
}
