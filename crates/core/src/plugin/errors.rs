//! `errors`: a line per failed query, or one per period for those alike.

use core::time::Duration;
use std::fmt::Write as _;

use parking_lot::Mutex;
use regex_lite::Regex;

use crate::plan::{ConsolidatePlan, ErrorsPlan};
use crate::time::Moment;

/// One `consolidate` rule and what it has counted.
struct Rule {
    plan: ConsolidatePlan,
    pattern: Regex,
    count: u64,
    due: Option<Moment>,
}

/// A block's `errors` directive.
pub struct Consolidation {
    rules: Mutex<Vec<Rule>>,
}

impl Consolidation {
    /// Read the patterns; the error says which one cannot be read.
    pub fn new(plan: &ErrorsPlan) -> Result<Self, String> {
        let mut rules = Vec::new();
        for plan in &plan.consolidate {
            let pattern =
                Regex::new(&plan.pattern).map_err(|error| format!("`{}` is not a pattern: {error}", plan.pattern))?;
            rules.push(Rule { plan: plan.clone(), pattern, count: 0, due: None });
        }
        Ok(Self { rules: Mutex::new(rules) })
    }

    /// Whether anything is consolidated.
    pub fn has_rules(&self) -> bool {
        !self.rules.lock().is_empty()
    }

    /// An error happened: gives the line to print now, if any. `subject` is `<rcode> <name> <type>`.
    pub fn note(&self, subject: &str, error: &str, now: Moment) -> Option<String> {
        let line = || format!("[ERROR] plugin/errors: {subject}: {error}");
        for rule in &mut *self.rules.lock() {
            if !rule.pattern.is_match(error) {
                continue;
            }
            rule.count += 1;
            if rule.due.is_some() {
                return None;
            }
            rule.due = Some(now.plus(Duration::from_millis(rule.plan.period_ms)));
            return rule.plan.shows_first.then(line);
        }
        Some(line())
    }

    /// Periods that are over: `print` gets a line each. Gives the next due moment.
    pub fn on_time(&self, now: Moment, mut print: impl FnMut(String)) -> Option<Moment> {
        let mut next: Option<Moment> = None;
        for rule in &mut *self.rules.lock() {
            let Some(due) = rule.due else { continue };
            if due > now {
                next = Some(next.map_or(due, |least| least.min(due)));
                continue;
            }
            rule.due = None;
            let count = core::mem::take(&mut rule.count);
            let mut line = format!("[{}] plugin/errors: {count} errors like '", rule.plan.level.to_uppercase());
            let _ = write!(line, "{}' occurred in last {}", rule.plan.pattern, render_duration(rule.plan.period_ms));
            print(line);
        }
        next
    }
}

/// As Go prints a duration: `2s`, `1m0s`, `1h0m0s`, `300ms`.
fn render_duration(ms: u64) -> String {
    let seconds = (ms / 1000) % 60;
    let rest = ms % 1000;
    let tail = if rest == 0 {
        format!("{seconds}s")
    } else if ms < 1000 {
        return format!("{rest}ms");
    } else {
        format!("{seconds}.{}s", format!("{rest:03}").trim_end_matches('0'))
    };
    match (ms / 3_600_000, ms / 60_000 % 60) {
        (0, 0) => tail,
        (0, minutes) => format!("{minutes}m{tail}"),
        (hours, minutes) => format!("{hours}h{minutes}m{tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_alike_become_one_line_per_period() {
        let rule = ConsolidatePlan {
            pattern: ".* timeout$".into(),
            period_ms: 2000,
            level: "warning".into(),
            shows_first: false,
        };
        let errors = Consolidation::new(&ErrorsPlan { consolidate: vec![rule] }).unwrap();
        let at = |ms: u64| Moment::from_nanos(ms * 1_000_000);
        assert_eq!(errors.note("2 x.test. A", "read udp 1.1.1.1:53: i/o timeout", at(0)), None);
        assert_eq!(
            errors.note("2 x.test. A", "connection refused", at(1)).as_deref(),
            Some("[ERROR] plugin/errors: 2 x.test. A: connection refused")
        );
        let mut lines = Vec::new();
        assert_eq!(errors.on_time(at(1999), |line| lines.push(line)), Some(at(2000)));
        assert_eq!(errors.on_time(at(2000), |line| lines.push(line)), None);
        assert_eq!(lines, ["[WARNING] plugin/errors: 1 errors like '.* timeout$' occurred in last 2s"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        let rule = ConsolidatePlan { pattern: "(".into(), period_ms: 1, level: "error".into(), shows_first: false };
        assert!(Consolidation::new(&ErrorsPlan { consolidate: vec![rule] }).err().unwrap().starts_with("`(` is not"));
    }

    #[test]
    fn durations_look_as_go_prints_them() {
        for (ms, text) in [(2000, "2s"), (60_000, "1m0s"), (3_600_000, "1h0m0s"), (300, "300ms"), (1500, "1.5s")] {
            assert_eq!(render_duration(ms), text);
        }
    }
}
