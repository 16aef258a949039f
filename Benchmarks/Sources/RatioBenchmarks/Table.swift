import Foundation

/// The measurements as lines of text, each printed as soon as it is there.
struct Table {
    private let nameWidth: Int

    init(names: [String]) {
        self.nameWidth = (names.map(\.count) + [0]).max() ?? 0
    }

    var header: String {
        self.line("row", ["subject ns", "baseline ns", "ratio", "goal", "met"])
    }

    func line(_ measurement: Measurement) -> String {
        self.line(
            measurement.name,
            [
                String(format: "%.0f", measurement.subjectNanoseconds),
                String(format: "%.0f", measurement.baselineNanoseconds),
                String(format: "%.2f", measurement.ratio),
                String(format: "%.2f", measurement.goal),
                measurement.met ? "yes" : "no",
            ]
        )
    }

    private func line(_ name: String, _ columns: [String]) -> String {
        let widths = [12, 12, 7, 6, 5]
        let cells = zip(columns, widths).map { text, width in
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        return name + String(repeating: " ", count: self.nameWidth - name.count) + cells.joined()
    }
}
