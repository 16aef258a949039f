#if HummingbirdSupport
public import HTTPTypes
public import Hummingbird
public import KVStorage
import Logging
public import Sessions

/// The answer to a request whose handler let the error of a storage call through: 503 where the storage can't be reached, 507
/// where it is full, 409 where others kept changing the item, 500 for everything else.
///
/// The client learns no more than the status. The error itself is logged at level `error`: who operates the server has to
/// see that its storage fails.
extension StorageError: HTTPResponseError {
    /// The status of the answer.
    public var status: HTTPResponse.Status { self.code.status }

    /// Logs the error and makes the answer.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        try self.answer(context.logger).response(from: request, context: context)
    }

    /// Logs the error and returns it as one that any middleware of the application may show in its own way.
    func answer(_ logger: Logger) -> HTTPError {
        logger.log(
            level: self.code == .cancelled ? .debug : .error, "storage call failed", metadata: ["error": "\(self)"])
        return HTTPError(self.status)
    }
}

extension StorageError.Code {
    /// The status that means the failure to a client; 500 for what the program itself did wrong.
    var status: HTTPResponse.Status {
        switch self {
        case .closed, .unavailable, .connectionLost, .timeout, .overloaded: .serviceUnavailable
        case .full: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        case .conflict: .conflict
        default: .internalServerError
        }
    }
}

/// The answer to a request whose handler let the error of a session call through: 401 for a session that is gone, 403 for a
/// forged request, 503 where the storage failed, and the like, with the error's message.
///
/// What is the server's trouble, a failing storage above all, is logged at level `error`, the rest at level `debug`.
extension SessionError: HTTPResponseError {
    /// The status of the answer.
    public var status: HTTPResponse.Status { self.code.status }

    /// Logs the error and makes the answer.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        try self.answer(context.logger).response(from: request, context: context)
    }

    /// Logs the error and returns it as one that any middleware of the application may show in its own way.
    func answer(_ logger: Logger) -> HTTPError {
        let level: Logger.Level = self.status.kind == .serverError ? .error : .debug
        logger.log(level: level, "session call failed", metadata: ["error": "\(self)"])
        return HTTPError(self.status, message: self.message)
    }
}

extension SessionError.Code {
    /// The status of a response to a request whose handler let the error through.
    var status: HTTPResponse.Status {
        switch self {
        case .gone, .reauthenticationRequired: .unauthorized
        case .forbidden: .forbidden
        case .conflict: .conflict
        case .tooLarge: .contentTooLarge
        case .storage: .serviceUnavailable
        default: .internalServerError
        }
    }
}
#endif
