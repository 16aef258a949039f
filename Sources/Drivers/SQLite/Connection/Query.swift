import KVStorage

/// The statements that a connection prepares once and keeps.
///
/// The columns stand in the order key, deadline, times, metadata, value: what lies behind a large value could only be
/// reached through all of its overflow pages.
enum Query: Int, CaseIterable {
    case begin, beginImmediate, commit, rollback
    case savepoint, releaseSavepoint, rollbackToSavepoint
    case getItem, hasItem, getMeta, getEntry, listFrom, listRange, earliestDeadline
    case setItem, setItemKeepingDeadline, setEntry, setEntryKeepingDeadline, removeItem, takeItem, touchItem, setMeta
    case clearAll, clearRange, sweepRange, clearAllItems, clearRangeItems, clearFirstItems, sweep, foreignRow,
        foreignRowInRange

    /// The text for a table whose name was validated.
    func text(table: String) -> String {
        let table = "\"\(table)\""
        return switch self {
        case .begin: "BEGIN"
        case .beginImmediate: "BEGIN IMMEDIATE"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .savepoint: "SAVEPOINT kvstorage"
        case .releaseSavepoint: "RELEASE kvstorage"
        case .rollbackToSavepoint: "ROLLBACK TO kvstorage"
        case .getItem: "SELECT deadline, value FROM \(table) WHERE key = ?1"
        case .hasItem: "SELECT deadline FROM \(table) WHERE key = ?1"
        case .getMeta: "SELECT deadline, created, modified, meta, length(value) FROM \(table) WHERE key = ?1"
        case .getEntry: "SELECT deadline, created, modified, meta, value FROM \(table) WHERE key = ?1"
        // A blob, which no key is, comes behind every text.
        case .listFrom: "SELECT key, deadline FROM \(table) WHERE key >= ?1 AND key < x'' ORDER BY key"
        case .listRange: "SELECT key, deadline FROM \(table) WHERE key >= ?1 AND key < ?2 ORDER BY key"
        case .earliestDeadline: "SELECT min(deadline) FROM \(table) WHERE deadline IS NOT NULL"
        case .setItem: Self.upsert(table, keepingDeadline: false, withMeta: false)
        case .setItemKeepingDeadline: Self.upsert(table, keepingDeadline: true, withMeta: false)
        case .setEntry: Self.upsert(table, keepingDeadline: false, withMeta: true)
        case .setEntryKeepingDeadline: Self.upsert(table, keepingDeadline: true, withMeta: true)
        case .removeItem: "DELETE FROM \(table) WHERE key = ?1 RETURNING deadline"
        case .takeItem: "DELETE FROM \(table) WHERE key = ?1 RETURNING deadline, value"
        case .touchItem:
            "UPDATE \(table) SET deadline = ?2 WHERE key = ?1 AND (deadline IS NULL OR deadline > ?3)"
        case .setMeta:
            "UPDATE \(table) SET meta = ?2 WHERE key = ?1 AND (deadline IS NULL OR deadline > ?3)"
        case .clearAll: "DELETE FROM \(table)"
        case .clearRange: "DELETE FROM \(table) WHERE key >= ?1 AND key < ?2"
        case .clearAllItems: "DELETE FROM \(table) WHERE \(Key.function)(key) RETURNING key"
        case .clearRangeItems:
            "DELETE FROM \(table) WHERE key >= ?1 AND key < ?2 AND \(Key.function)(key) RETURNING key"
        case .clearFirstItems:
            """
            DELETE FROM \(table) WHERE key IN
            (SELECT key FROM \(table) WHERE key >= ?1 AND key < ?2 AND \(Key.function)(key) ORDER BY key LIMIT ?3)
            RETURNING key, deadline
            """
        case .foreignRow: "SELECT 1 FROM \(table) WHERE NOT \(Key.function)(key) LIMIT 1"
        case .foreignRowInRange:
            "SELECT 1 FROM \(table) WHERE key >= ?1 AND key < ?2 AND NOT \(Key.function)(key) LIMIT 1"
        case .sweepRange: "DELETE FROM \(table) WHERE deadline <= ?1 AND key >= ?2 AND key < ?3 RETURNING key"
        case .sweep:
            """
            DELETE FROM \(table) WHERE key IN
            (SELECT key FROM \(table) WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2) RETURNING key
            """
        }
    }

    /// The statement that writes an item as the options and the change of its metadata say.
    static func set(_ options: WriteOptions, _ fields: FieldChange) -> Query {
        switch fields {
        case .keep: options.keepsDeadline ? .setItemKeepingDeadline : .setItem
        case .replace: options.keepsDeadline ? .setEntryKeepingDeadline : .setEntry
        }
    }

    // An expired item is absent: what replaces it inherits neither its metadata nor the time of its creation.
    private static func upsert(_ table: String, keepingDeadline: Bool, withMeta: Bool) -> String {
        let deadline =
            keepingDeadline ? "CASE WHEN deadline <= ?4 THEN excluded.deadline ELSE deadline END" : "excluded.deadline"
        let meta = withMeta ? "excluded.meta" : "CASE WHEN deadline <= ?4 THEN NULL ELSE meta END"
        return """
            INSERT INTO \(table) (key, value, deadline, created, modified, meta)
            VALUES (?1, ?2, ?3, ?4, ?4, \(withMeta ? "?5" : "NULL"))
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, deadline = \(deadline), modified = excluded.modified,
            created = CASE WHEN deadline <= ?4 THEN excluded.created ELSE created END, meta = \(meta)
            """
    }
}
