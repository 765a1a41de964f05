//! Lanes: never two instructions of one user at once, never out of order. Pure.
//!
//! A lane is the ordered queue of what concerns one name of a user. An item may stand in
//! several lanes (a rename in those of the old and the new name) and goes when it is first
//! in all of them. It holds its lanes until it is finished, through retries and all.

use std::collections::{HashMap, VecDeque};

use smallvec::SmallVec;

/// The ordered queues, one a name that is in use.
#[derive(Debug)]
pub struct Lanes<T> {
    /// Who stands in each lane, the holder first; a lane that nobody stands in is not there.
    queues: HashMap<u64, VecDeque<Ticket>>,
    parked: HashMap<Ticket, Parked<T>>,
}

/// Names an item among those admitted and not finished: no two have the same.
pub type Ticket = u64;

#[derive(Debug)]
struct Parked<T> {
    item: T,
    lanes: SmallVec<[u64; 2]>,
    /// In how many lanes somebody else stands before it.
    waiting: usize,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), parked: HashMap::new() }
    }
}

impl<T> Lanes<T> {
    /// Lines an item up; gives it back if it may go now.
    ///
    /// `lanes` must not repeat itself. A row that goes must be finished with its ticket and lanes,
    /// those that it took later among them.
    pub fn admit(&mut self, ticket: Ticket, lanes: &[u64], item: T) -> Option<T> {
        let mut waiting = 0;
        for lane in lanes {
            let queue = self.queues.entry(*lane).or_default();
            waiting += usize::from(!queue.is_empty());
            queue.push_back(ticket);
        }
        if waiting == 0 {
            return Some(item);
        }
        self.parked.insert(ticket, Parked { item, lanes: lanes.into(), waiting });
        None
    }

    /// Lets an item that may go stand in one more lane; gives it back if it may still go.
    ///
    /// Who holds this last lane waits for nobody, so that none of those who wait for it does so for
    /// ever.
    pub fn admit_also(&mut self, ticket: Ticket, lane: u64, lanes: &[u64], item: T) -> Option<T> {
        let queue = self.queues.entry(lane).or_default();
        queue.push_back(ticket);
        if queue.len() == 1 {
            return Some(item);
        }
        self.parked.insert(ticket, Parked { item, lanes: lanes.into(), waiting: 1 });
        None
    }

    /// Lets an item that may go stand in further lanes, if nobody waits behind it in its own of
    /// these, and the others are empty.
    pub fn widen(&mut self, ticket: Ticket, lanes: &[u64]) -> bool {
        let is_free = |lane: &u64| match self.queues.get(lane) {
            None => true,
            Some(queue) => queue.len() == 1 && queue.front() == Some(&ticket),
        };
        let free = lanes.iter().all(is_free);
        if free {
            for lane in lanes {
                self.queues.entry(*lane).or_insert_with(|| VecDeque::from([ticket]));
            }
        }
        free
    }

    /// Takes a finished item out of its lanes; gives back those that may go now.
    pub fn finish(&mut self, ticket: Ticket, lanes: &[u64]) -> Vec<T> {
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
                free.push(parked.item);
            }
        }
        free
    }

    /// Whether somebody waits behind the holder of some lanes.
    #[must_use]
    pub fn is_waited_for(&self, lanes: &[u64]) -> bool {
        lanes.iter().any(|lane| self.queues.get(lane).is_some_and(|queue| queue.len() > 1))
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.parked.len()
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
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
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
        assert_eq!(lanes.admit(0, &[1], 'a'), Some('a'));
        assert_eq!(lanes.admit(1, &[1], 'b'), None);
        assert_eq!(lanes.admit(2, &[1], 'c'), None);
        assert_eq!(lanes.admit(3, &[2], 'x'), Some('x'));
        assert_eq!(lanes.finish(0, &[1]), ['b']);
        assert_eq!(lanes.finish(1, &[1]), ['c']);
        assert!(lanes.finish(3, &[2]).is_empty());
    }

    #[test]
    fn a_rename_joins_the_lanes_of_both_names() {
        let mut lanes = Lanes::default();
        lanes.admit(0, &[1], "old name, before").unwrap();
        lanes.admit(1, &[2], "new name, before").unwrap();
        assert!(lanes.admit(2, &[1, 2], "rename").is_none());
        assert!(lanes.admit(3, &[2], "new name, after").is_none());
        assert!(lanes.finish(0, &[1]).is_empty(), "the new name is still busy");
        assert_eq!(lanes.finish(1, &[2]), ["rename"]);
        assert_eq!(lanes.finish(2, &[1, 2]), ["new name, after"]);
    }

    #[test]
    fn an_item_that_may_go_can_be_made_to_wait_for_one_more_lane() {
        let mut lanes = Lanes::default();
        lanes.admit(0, &[1], 'a').unwrap();
        lanes.admit(1, &[2], 'b').unwrap();
        assert_eq!(lanes.admit_also(0, 9, &[1, 9], 'a'), Some('a'));
        assert_eq!(lanes.admit_also(1, 9, &[2, 9], 'b'), None);
        assert!(lanes.admit(2, &[2], 'c').is_none(), "it keeps what it has");
        assert_eq!(lanes.finish(0, &[1, 9]), ['b']);
        assert_eq!(lanes.finish(1, &[2, 9]), ['c']);
        assert!(lanes.finish(2, &[2]).is_empty() && lanes.is_empty());
    }

    #[test]
    fn what_waits_can_be_dropped() {
        let mut lanes = Lanes::default();
        lanes.admit(0, &[1], 'a').unwrap();
        assert!(lanes.admit(1, &[1, 2], 'b').is_none());
        assert!(lanes.admit(2, &[2], 'c').is_none());
        assert_eq!(lanes.waiting(), 2);
        assert_eq!(lanes.clear_parked(), 2);
        assert!(!lanes.is_empty(), "the first is still at work");
        assert!(lanes.finish(0, &[1]).is_empty());
        assert!(lanes.is_empty());
    }

    #[test]
    fn an_item_takes_further_lanes_only_where_nobody_stands() {
        let mut lanes = Lanes::default();
        lanes.admit(0, &[1], 'a').unwrap();
        lanes.admit(1, &[2], 'b').unwrap();
        assert!(!lanes.widen(0, &[1, 2]), "somebody else stands there");
        assert!(lanes.widen(0, &[1, 3]));
        assert!(lanes.admit(2, &[3], 'c').is_none(), "the new lane is held");
        assert!(!lanes.widen(0, &[3]), "somebody waits behind it");
        assert!(lanes.widen(1, &[4]), "what was refused took nothing");
        assert_eq!(lanes.finish(0, &[1, 3]), ['c']);
    }

    proptest! {
        /// Whatever the rows and whichever finishes first: order holds in each lane, nobody
        /// shares one, and everybody goes in the end.
        #[test]
        fn order_holds_and_everybody_goes(
            rows in prop::collection::vec(prop::collection::btree_set(0u64..4, 1..3), 1..60),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 60),
        ) {
            let mut lanes = Lanes::default();
            let mut running: Vec<usize> = Vec::new();
            let mut done: Vec<usize> = Vec::new();
            let keys = |row: usize| rows[row].iter().copied().collect::<Vec<_>>();
            for row in 0..rows.len() {
                running.extend(lanes.admit(row as u64, &keys(row), row));
            }
            for pick in picks {
                if running.is_empty() {
                    break;
                }
                for (i, a) in running.iter().enumerate() {
                    for b in &running[i + 1..] {
                        prop_assert!(rows[*a].is_disjoint(&rows[*b]));
                    }
                }
                let row = running.swap_remove(pick.index(running.len()));
                for earlier in 0..row {
                    let shares = !rows[earlier].is_disjoint(&rows[row]);
                    prop_assert!(!shares || done.contains(&earlier));
                }
                done.push(row);
                running.extend(lanes.finish(row as u64, &keys(row)));
            }
            prop_assert_eq!(done.len(), rows.len());
            prop_assert!(lanes.is_empty());
        }
    }
}
