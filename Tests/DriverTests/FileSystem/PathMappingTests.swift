import Testing

@testable import KVStorageFileSystem
