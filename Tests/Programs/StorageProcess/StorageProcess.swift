import KVStorage
import ProcessOutput

/// A process that the tests start beside themselves, to see what holds between processes and what survives their end.
///
///     StorageProcess <command> <store> [argument]
///
/// Prints what it has to tell line by line; ends with status 1 and the error's code if the store refuses.
@main
struct StorageProcess {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2, let command = Command(rawValue: arguments[0]) else {
            Output.line("usage: StorageProcess <command> <store> [argument]")
            Output.exit(2)
        }
        if command == .leave { LastCall.prepare(arguments[1]) }
        do {
            let store = try Store(arguments[1]).open()
            try await command.run(store, arguments.count > 2 ? arguments[2] : "")
            try await store.dispose()
        } catch let error as StorageError {
            Output.line("error \(error.code)")
            Output.exit(1)
        } catch {
            Output.line("error \(error)")
            Output.exit(2)
        }
    }
}
