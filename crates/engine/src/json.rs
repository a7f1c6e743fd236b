//! A log line as one JSON object: when, how grave, what. For those whose collectors read no brackets.

use std::fmt::Write as _;

/// How lines are marked, and what that is called in JSON.
const LEVELS: [(&str, &str); 5] = [
    ("[DEBUG] ", "debug"),
    ("[INFO] ", "info"),
    ("[WARNING] ", "warning"),
    ("[ERROR] ", "error"),
    ("[FATAL] ", "fatal"),
];

/// Write a line, its mark as the level; a line without one is news.
pub(crate) fn write_line(line: &str, unix_ms: u64, into: &mut String) {
    let found = LEVELS.iter().find_map(|(mark, level)| Some((*level, line.strip_prefix(mark)?)));
    let (level, message) = found.unwrap_or(("info", line));
    let _ = write!(into, "{{\"ts\":{}.{:03},\"level\":\"{level}\",\"message\":\"", unix_ms / 1000, unix_ms % 1000);
    for letter in message.chars() {
        match letter {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\t' => into.push_str("\\t"),
            letter if letter.is_control() => drop(write!(into, "\\u{:04x}", u32::from(letter))),
            letter => into.push(letter),
        }
    }
    into.push_str("\"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_becomes_one_object_whatever_is_in_it() {
        let table = [
            ("[INFO] plain", r#"{"ts":12.034,"level":"info","message":"plain"}"#),
            (
                "[ERROR] plugin/errors: 2 a. A: timeout",
                r#"{"ts":12.034,"level":"error","message":"plugin/errors: 2 a. A: timeout"}"#,
            ),
            ("no mark", r#"{"ts":12.034,"level":"info","message":"no mark"}"#),
            ("[OTHER] mark", r#"{"ts":12.034,"level":"info","message":"[OTHER] mark"}"#),
            (
                "[INFO] \"A IN a\\.b.\"\ttwo\nlines",
                r#"{"ts":12.034,"level":"info","message":"\"A IN a\\.b.\"\ttwo\nlines"}"#,
            ),
            (
                "[INFO] bell \u{7} \u{9f} \u{e4}",
                "{\"ts\":12.034,\"level\":\"info\",\"message\":\"bell \\u0007 \\u009f \u{e4}\"}",
            ),
        ];
        for (line, wanted) in table {
            let mut told = String::new();
            write_line(line, 12_034, &mut told);
            assert_eq!(told, format!("{wanted}\n"), "{line}");
        }
    }
}
