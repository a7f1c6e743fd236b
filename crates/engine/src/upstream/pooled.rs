//! The connections to one upstream in one pool: how it does, and what follows for the next query.

use std::time::Duration;

use nodens_core::time::Moment;

use crate::slab::Key;

/// A connection is stuck when nothing came for so many times what an answer takes, within these bounds.
const PATIENCE: (u32, Duration, Duration) = (4, Duration::from_millis(50), Duration::from_millis(400));
/// The same while no answer has told how long one takes.
const PATIENCE_AT_FIRST: Duration = Duration::from_millis(100);
/// A connection may be so deep that its last query waits so long; what is slower is spread.
const WAIT: Duration = Duration::from_millis(20);
/// Depth from which on more than a few connections are opened: by [`WAIT`], within these bounds.
const DEEP: (usize, usize) = (8, 256);
/// The same while no answer has told how fast they come.
const DEEP_AT_FIRST: usize = 64;
/// One pause between answers, at most, as far as it tells how fast they come.
const GAP_LIMIT: Duration = Duration::from_millis(20);
/// An upstream that answered nobody for so long may be silent, not slow at some names.
const ALIVE: Duration = Duration::from_secs(1);
/// Queries that are asked again round a stuck connection of such a one: a silent upstream gets no storm.
const CREDIT: u32 = 32;

/// What is known of a pool.
#[derive(Debug)]
pub(super) struct Pooled {
    pub keys: Vec<Key>,
    usual: Option<Duration>,
    gap: Option<Duration>,
    answered: Option<Moment>,
    credit: u32,
}

impl Default for Pooled {
    fn default() -> Self {
        Self { keys: Vec::new(), usual: None, gap: None, answered: None, credit: CREDIT }
    }
}

impl Pooled {
    /// After how long without an answer a connection is stuck.
    pub(super) fn patience(&self) -> Duration {
        let (times, least, most) = PATIENCE;
        self.usual.map_or(PATIENCE_AT_FIRST, |usual| (usual * times).clamp(least, most))
    }

    /// From which depth on more than a few connections are worth it.
    pub(super) fn deep(&self) -> usize {
        let Some(gap) = self.gap else { return DEEP_AT_FIRST };
        let depth = WAIT.as_nanos() / gap.as_nanos().max(1);
        usize::try_from(depth).unwrap_or(usize::MAX).clamp(DEEP.0, DEEP.1)
    }

    /// An answer came: to a query of `since`, on a connection that moved last at `moved`.
    ///
    /// The usual is what the faster answers take: slow names, of which anybody can ask many, do not make us patient.
    pub(super) fn note_answer(&mut self, since: Moment, moved: Moment, now: Moment) {
        let took = now.since(since);
        self.usual = Some(match self.usual {
            None => took,
            Some(usual) if took < usual => (usual * 7 + took) / 8,
            Some(usual) => (usual * 31 + took.min(usual * 2 + Duration::from_millis(1))) / 32,
        });
        if since < moved {
            // It waited while the one before it was answered; otherwise the way there and back would be measured.
            let gap = now.since(moved).min(GAP_LIMIT);
            self.gap = Some(self.gap.map_or(gap, |mean| (mean * 15 + gap) / 16));
        }
        self.answered = Some(now);
        self.credit = CREDIT;
    }

    /// Whether to go round a stuck connection once more.
    pub(super) fn may_go_round(&mut self, now: Moment) -> bool {
        if self.answered.is_some_and(|last| now.since(last) < ALIVE) {
            return true;
        }
        let has = self.credit > 0;
        self.credit = self.credit.saturating_sub(1);
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn many_slow_answers_among_quick_ones_do_not_make_us_patient() {
        let mut pooled = Pooled::default();
        for number in 0..300 {
            let took = if number % 3 == 0 { 5_000 } else { 2 };
            pooled.note_answer(at(0), at(0), at(took));
        }
        assert_eq!(pooled.patience(), PATIENCE.1);
    }

    #[test]
    fn an_upstream_that_is_far_away_is_waited_for() {
        let mut pooled = Pooled::default();
        for _ in 0..3 {
            pooled.note_answer(at(0), at(0), at(80));
        }
        assert_eq!(pooled.patience(), Duration::from_millis(320));
    }

    #[test]
    fn connections_to_a_quick_upstream_may_be_deeper_than_those_to_a_slow_one() {
        let mut pooled = Pooled::default();
        assert_eq!(pooled.deep(), DEEP_AT_FIRST);
        pooled.note_answer(at(0), at(0), at(10));
        assert_eq!(pooled.deep(), DEEP_AT_FIRST, "the way there and back says nothing");
        pooled.note_answer(at(0), at(10), at(10));
        assert_eq!(pooled.deep(), DEEP.1);
        for number in 1..200 {
            pooled.note_answer(at(0), at(10 * number), at(10 * number + 10));
        }
        assert_eq!(pooled.deep(), DEEP.0);
    }

    #[test]
    fn who_answers_nobody_is_gone_round_a_few_times_and_no_more() {
        let mut pooled = Pooled::default();
        let mut tries = |ms| (0..100).filter(|_| pooled.may_go_round(at(ms))).count();
        assert_eq!((tries(0), tries(9_000)), (CREDIT as usize, 0));
        pooled.note_answer(at(0), at(0), at(10_000));
        let mut tries = |ms| (0..100).filter(|_| pooled.may_go_round(at(ms))).count();
        assert_eq!((tries(10_999), tries(11_000), tries(11_001)), (100, CREDIT as usize, 0));
    }
}
