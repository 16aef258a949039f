#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import KVStorage
import NIOCore

/// Why a storage request is answered by an error, in the shape that unstorage's server gives it.
struct StorageFailure: Error {
    let status: HTTPResponse.Status
    let message: String
    let fields: HTTPFields

    init(_ status: HTTPResponse.Status, _ message: String, fields: HTTPFields = [:]) {
        self.status = status
        self.message = message
        self.fields = fields
    }

    /// Tells the client what it can mend, and of the server's own troubles no more than that there are some.
    init(_ error: StorageError) {
        let status: HTTPResponse.Status =
            switch error.code {
            case .invalidKey, .invalidOption: .badRequest
            case .readOnly: .forbidden
            case .tooLarge: .contentTooLarge
            default: error.code.status
            }
        self.init(status, status.kind == .serverError ? status.reasonPhrase : error.message)
    }

    var response: Response {
        struct Content: Encodable {
            var status: Int
            var statusText: String
            var message: String
        }
        let content = Content(status: self.status.code, statusText: self.status.reasonPhrase, message: self.message)
        // Numbers and text can always be encoded.
        let json = (try? JSONStorageCodec().encode(content)) ?? []
        var fields = self.fields
        fields[.contentType] = "application/json; charset=utf-8"
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        return Response(
            status: self.status,
            headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json))
        )
    }
}
#endif
