import ChildProcess
import Foundation

extension ChildProcess {
    /// Starts the executable `StorageProcess`; with `unprivileged` as a user who owns nothing, where the tests run as root.
    convenience init(storage arguments: [String], unprivileged: Bool = false) throws {
        let path = try Self.path(ofProduct: "StorageProcess")
        if unprivileged && geteuid() == 0 {
            let identity = ["--reuid=65534", "--regid=65534", "--clear-groups", path]
            try self.init("/usr/bin/setpriv", identity + arguments, input: .pipe)
        } else {
            try self.init(path, arguments, input: .pipe)
        }
    }
}
