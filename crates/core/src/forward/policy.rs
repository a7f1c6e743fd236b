//! Which upstream first, and who follows.

use crate::hash::Chance;
use crate::plan::Policy;

/// Put the numbers 0..count in the order to ask; those believed down come last.
pub fn order(
    policy: Policy,
    count: usize,
    turn: usize,
    chance: &mut Chance,
    is_up: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    match policy {
        Policy::Sequential => {}
        Policy::RoundRobin => order.rotate_left(turn % count.max(1)),
        Policy::Random => {
            for last in (1..count).rev() {
                order.swap(last, chance.below(last + 1));
            }
        }
    }
    order.sort_by_key(|number| !is_up(*number)); // stable: the policy's order stands within each part
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_order_upstreams_and_the_down_ones_come_last() {
        let mut chance = Chance::new(1);
        assert_eq!(order(Policy::Sequential, 3, 5, &mut chance, |_| true), [0, 1, 2]);
        assert_eq!(order(Policy::RoundRobin, 3, 1, &mut chance, |_| true), [1, 2, 0]);
        assert_eq!(order(Policy::Sequential, 3, 0, &mut chance, |number| number != 0), [1, 2, 0]);
        assert!(order(Policy::Random, 0, 0, &mut chance, |_| true).is_empty());
        let mut firsts = [0; 3];
        for _ in 0..300 {
            let order = order(Policy::Random, 3, 0, &mut chance, |_| true);
            firsts[order[0]] += 1;
        }
        assert!(firsts.iter().all(|count| *count > 50), "{firsts:?}");
    }
}
