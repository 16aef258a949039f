import KVStorage
import KVStorageSQLite

/// Returns the error that opening throws, or `nil` if it succeeds.
func openingError(
    _ path: String,
    _ change: (inout SQLiteDriver.Configuration) -> Void = { _ in }
) -> StorageError? {
    do throws(StorageError) {
        _ = try SQLiteDriver(path: path, configuration: configuration(change))
        return nil
    } catch {
        return error
    }
}

func configuration(_ change: (inout SQLiteDriver.Configuration) -> Void) -> SQLiteDriver.Configuration {
    var configuration = SQLiteDriver.Configuration()
    change(&configuration)
    return configuration
}
