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
/// forged request, 503 where the storage failed, and the like.
///
/// The text is for who visits the site: it names no type, no field and no function, and where the server is at fault there is
/// none. The error itself is logged, what is the server's trouble at level `error`, the rest at level `debug`.
/// ``SessionMiddleware`` has a closure for another answer.
extension SessionError: HTTPResponseError {
    /// The status of the answer.
    public var status: HTTPResponse.Status { self.code.status }

    /// Logs the error and makes the answer.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        try self.answer(context.logger).response(from: request, context: context)
    }

    /// Logs the error and returns it as one that any middleware of the application may show in its own way.
    func answer(_ logger: Logger) -> HTTPError {
        self.log(logger)
        return HTTPError(self.status, headers: [:], message: self.code.textForVisitors)
    }

    /// Tells the log what the client is not told.
    func log(_ logger: Logger) {
        let level: Logger.Level = self.status.kind == .serverError ? .error : .debug
        logger.log(level: level, "session call failed", metadata: ["error": "\(self)"])
    }
}

extension SessionError.Code {
    /// The status of a response to a request whose handler let the error through.
    var status: HTTPResponse.Status {
        switch self {
        case .gone, .reauthenticationRequired, .notAuthenticated, .authenticationTooOld: .unauthorized
        case .forbidden: .forbidden
        case .conflict: .conflict
        case .tooLarge: .contentTooLarge
        case .storage, .outcomeUnknown: .serviceUnavailable
        default: .internalServerError
        }
    }

    /// What a visitor can make of it; `nil` where there is nothing that they could do.
    var textForVisitors: String? {
        switch self {
        case .gone: "Your session has ended. Please log in again."
        case .notAuthenticated: "Please log in first."
        case .reauthenticationRequired, .authenticationTooOld: "Please log in again to go on."
        case .forbidden: "This page is out of date. Please load it again and repeat what you did."
        case .conflict: "Something else changed at the same moment. Please try again."
        case .tooLarge: "There is no room for this in your session. Please remove something first."
        default: nil
        }
    }
}
#endif
