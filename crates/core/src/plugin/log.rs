//! `log`: the line a response leaves behind. Recorded on the packet's thread, rendered on another.

/// A line to be written: of the query log, or of `errors`.
#[derive(Clone, Debug)]
pub struct LogRecord {
    text: String,
}

impl LogRecord {
    /// Append the line (or lines), each with its line end, exactly as it is to appear.
    pub fn render(&self, into: &mut String) {
        into.push_str(&self.text);
        into.push('\n');
    }
}
