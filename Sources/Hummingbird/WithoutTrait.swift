#if !HummingbirdSupport
// Without the trait there is no Hummingbird to build on; using one of these says so.

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct SessionMiddleware<Context> {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public protocol SessionRequestContext {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct BasicSessionRequestContext {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct FormSessionRequestContext {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct FormRequestDecoder {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct StoragePersistDriver {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct StorageService {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct CSRFMiddleware<Context> {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct CSRFFailure {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct SessionRoutes<Value, Context> {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct StorageRoutes<Context> {}

/// Needs the trait `HummingbirdSupport`.
@available(*, unavailable, message: "enable the trait HummingbirdSupport where your package depends on kv-storage")
public struct StorageAccess {}
#endif
