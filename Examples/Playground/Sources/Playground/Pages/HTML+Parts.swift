import Foundation
import KVStorage

extension HTML {
    /// The hidden field that proves that a form is from this session's page.
    static func csrfField(_ token: String) -> HTML {
        #"<input type="hidden" name="csrf_token" value="\#(token)">"#
    }

    /// A time, for people and for programs.
    static func time(_ date: Date) -> HTML {
        let time = date.formatted(.iso8601)
        let text = date.formatted(
            .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false)
        )
        return #"<time datetime="\#(time)">\#(text) UTC</time>"#
    }

    static func time(_ timestamp: Timestamp) -> HTML {
        self.time(Date(timeIntervalSince1970: Double(timestamp.milliseconds) / 1000))
    }
}
