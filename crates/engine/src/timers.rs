//! What is due next: one alarm a connection, in a heap.
//!
//! An alarm is a promise to look, not to act: who is looked at compares its own deadline with the clock. So a deadline
//! that moves away costs nothing, and a connection that leaves need not be searched for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use nodens_core::time::Moment;

/// Alarms, the earliest first.
#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Moment, u64)>>,
}

/// When a thing will next be looked at; kept beside its deadlines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarm(Option<Moment>);

impl Timers {
    /// See to it that `token` is looked at by `when`. An earlier alarm that is already set will do.
    pub fn ensure(&mut self, alarm: &mut Alarm, when: Moment, token: u64) {
        if alarm.0.is_none_or(|set| when < set) {
            alarm.0 = Some(when);
            self.heap.push(Reverse((when, token)));
        }
    }

    /// An alarm without an owner to remember it; for rare things.
    pub fn once(&mut self, when: Moment, token: u64) {
        self.heap.push(Reverse((when, token)));
    }

    /// When the next alarm rings.
    pub fn next(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse((when, _))| *when)
    }

    /// One that is due.
    pub fn pop(&mut self, now: Moment) -> Option<(Moment, u64)> {
        self.next().filter(|when| *when <= now)?;
        self.heap.pop().map(|Reverse(due)| due)
    }
}

impl Alarm {
    /// Note that the alarm of `when` rang; whether it was the one in force (an outdated one is to be ignored).
    pub fn rang(&mut self, when: Moment) -> bool {
        let is_mine = self.0 == Some(when);
        if is_mine {
            self.0 = None;
        }
        is_mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Moment {
        Moment::from_nanos(nanos)
    }

    #[test]
    fn a_deadline_that_moves_away_sets_no_second_alarm() {
        let (mut timers, mut alarm) = (Timers::default(), Alarm::default());
        timers.ensure(&mut alarm, at(10), 7);
        timers.ensure(&mut alarm, at(20), 7);
        assert_eq!(timers.pop(at(9)), None);
        assert_eq!(timers.pop(at(10)), Some((at(10), 7)));
        assert!(alarm.rang(at(10)));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_deadline_that_comes_closer_outdates_the_alarm_before_it() {
        let (mut timers, mut alarm) = (Timers::default(), Alarm::default());
        timers.ensure(&mut alarm, at(20), 7);
        timers.ensure(&mut alarm, at(10), 7);
        assert_eq!(timers.pop(at(30)), Some((at(10), 7)));
        assert!(alarm.rang(at(10)));
        assert_eq!(timers.pop(at(30)), Some((at(20), 7)));
        assert!(!alarm.rang(at(20)));
    }
}
