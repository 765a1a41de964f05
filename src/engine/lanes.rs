//! Lanes: never two instructions of one user at once, never out of order. Pure.
//!
//! A lane is the ordered queue of what concerns one name of a user. An item may stand in
//! several lanes (a rename in those of the old and the new name) and goes when it is first
//! in all of them. It holds its lanes until it is finished, through retries and all.

use std::collections::{HashMap, VecDeque};

/// The ordered queues, one a name that is in use.
#[derive(Debug)]
pub struct Lanes<T> {
    /// Who stands in each lane, the holder first; a lane that nobody stands in is not there.
    queues: HashMap<u64, VecDeque<Ticket>>,
    parked: HashMap<Ticket, Parked<T>>,
    next: Ticket,
}

/// Names an item among those admitted and not finished.
pub type Ticket = u64;

#[derive(Debug)]
struct Parked<T> {
    item: T,
    lanes: Vec<u64>,
    /// In how many lanes somebody else stands before it.
    waiting: usize,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), parked: HashMap::new(), next: 0 }
    }
}

impl<T> Lanes<T> {
    /// Lines an item up; gives it back if it may go now.
    ///
    /// `lanes` must not repeat itself. Whoever goes must be finished with its ticket and lanes.
    pub fn admit(&mut self, lanes: &[u64], item: T) -> Option<(Ticket, T)> {
        let ticket = self.next;
        self.next += 1;
        let mut waiting = 0;
        for lane in lanes {
            let queue = self.queues.entry(*lane).or_default();
            waiting += usize::from(!queue.is_empty());
            queue.push_back(ticket);
        }
        if waiting == 0 {
            return Some((ticket, item));
        }
        self.parked.insert(ticket, Parked { item, lanes: lanes.to_vec(), waiting });
        None
    }

    /// Takes a finished item out of its lanes; gives back those that may go now.
    pub fn finish(&mut self, ticket: Ticket, lanes: &[u64]) -> Vec<(Ticket, T)> {
        let mut free = Vec::new();
        for lane in lanes {
            let Some(queue) = self.queues.get_mut(lane) else {
                continue;
            };
            debug_assert_eq!(queue.front(), Some(&ticket), "only a holder finishes");
            queue.pop_front();
            let Some(next) = queue.front().copied() else {
                self.queues.remove(lane);
                continue;
            };
            let Some(parked) = self.parked.get_mut(&next) else {
                continue;
            };
            parked.waiting -= 1;
            if parked.waiting == 0
                && let Some(parked) = self.parked.remove(&next)
            {
                free.push((next, parked.item));
            }
        }
        free
    }

    /// Drops everything that waits; gives back how many there were.
    pub fn clear_parked(&mut self) -> usize {
        let dropped = self.parked.len();
        for (ticket, parked) in self.parked.drain() {
            for lane in parked.lanes {
                if let Some(queue) = self.queues.get_mut(&lane) {
                    queue.retain(|other| *other != ticket);
                    if queue.is_empty() {
                        self.queues.remove(&lane);
                    }
                }
            }
        }
        dropped
    }

    /// Whether nobody stands in any lane.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.parked.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_lane_goes_one_by_one_in_order() {
        let mut lanes = Lanes::default();
        let (a, _) = lanes.admit(&[1], 'a').unwrap();
        assert!(lanes.admit(&[1], 'b').is_none());
        assert!(lanes.admit(&[1], 'c').is_none());
        let (other, _) = lanes.admit(&[2], 'x').unwrap();
        let freed = lanes.finish(a, &[1]);
        assert_eq!(freed.len(), 1);
        assert_eq!(freed[0].1, 'b');
        assert_eq!(lanes.finish(freed[0].0, &[1])[0].1, 'c');
        assert!(lanes.finish(other, &[2]).is_empty());
    }

    #[test]
    fn a_rename_joins_the_lanes_of_both_names() {
        let mut lanes = Lanes::default();
        let (old, _) = lanes.admit(&[1], "old name, before").unwrap();
        let (new, _) = lanes.admit(&[2], "new name, before").unwrap();
        assert!(lanes.admit(&[1, 2], "rename").is_none());
        assert!(lanes.admit(&[2], "new name, after").is_none());
        assert!(lanes.finish(old, &[1]).is_empty(), "the new name is still busy");
        let (rename, word) = lanes.finish(new, &[2]).remove(0);
        assert_eq!(word, "rename");
        assert_eq!(lanes.finish(rename, &[1, 2])[0].1, "new name, after");
    }

    #[test]
    fn what_waits_can_be_dropped() {
        let mut lanes = Lanes::default();
        let (a, _) = lanes.admit(&[1], 'a').unwrap();
        assert!(lanes.admit(&[1, 2], 'b').is_none());
        assert!(lanes.admit(&[2], 'c').is_none());
        assert_eq!(lanes.clear_parked(), 2);
        assert!(lanes.finish(a, &[1]).is_empty());
        assert!(lanes.is_empty());
    }

    proptest! {
        /// Whatever the rows and whoever finishes first: order holds in each lane, nobody
        /// shares one, and everybody goes in the end.
        #[test]
        fn order_holds_and_everybody_goes(
            rows in prop::collection::vec(prop::collection::btree_set(0u64..4, 1..3), 1..60),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 60),
        ) {
            let mut lanes = Lanes::default();
            let mut running: Vec<(Ticket, usize)> = Vec::new();
            let mut done: Vec<usize> = Vec::new();
            let keys = |row: usize| rows[row].iter().copied().collect::<Vec<_>>();
            for row in 0..rows.len() {
                running.extend(lanes.admit(&keys(row), row));
            }
            for pick in picks {
                if running.is_empty() {
                    break;
                }
                for (i, (_, a)) in running.iter().enumerate() {
                    for (_, b) in &running[i + 1..] {
                        prop_assert!(rows[*a].is_disjoint(&rows[*b]));
                    }
                }
                let (ticket, row) = running.swap_remove(pick.index(running.len()));
                for earlier in 0..row {
                    let shares = !rows[earlier].is_disjoint(&rows[row]);
                    prop_assert!(!shares || done.contains(&earlier));
                }
                done.push(row);
                running.extend(lanes.finish(ticket, &keys(row)));
            }
            prop_assert_eq!(done.len(), rows.len());
            prop_assert!(lanes.is_empty());
        }
    }
}
