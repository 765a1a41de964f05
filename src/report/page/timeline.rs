//! The timeline: requests counted by when they went out. Pure.
//!
//! How long a run takes is not known before its last line is read, so buckets are narrow at first and
//! are joined whenever they would be too many.

use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::catalog::{CREATE_BATCH, DELETE_BATCH, PATCH_BATCH};
use crate::outcome::SentRequest;

/// The most buckets of a timeline.
pub(super) const MOST_BUCKETS: i64 = 300;

/// Requests of several rows that are remembered, so that none is counted twice.
const REMEMBERED: usize = 65_536;

/// Widths of buckets in milliseconds. Each is a multiple of the one before.
const WIDTHS: [i64; 16] = [
    100,
    200,
    1_000,
    2_000,
    10_000,
    20_000,
    60_000,
    120_000,
    600_000,
    1_200_000,
    3_600_000,
    7_200_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
];

/// Requests that went out within a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// All of them.
    pub(super) calls: u64,
    /// Those that were answered with 429.
    pub(super) limited: u64,
    /// Those that were answered with 5xx.
    pub(super) server_errors: u64,
    /// Those that were answered otherwise than with 2xx.
    pub(super) refused: u64,
    /// Those whose answer was lost.
    pub(super) lost: u64,
    /// How long they had waited for their turn, added up, in milliseconds.
    pub(super) waited_ms: u64,
}

impl Bucket {
    fn count(&mut self, request: &SentRequest) {
        self.calls += 1;
        self.waited_ms = self.waited_ms.saturating_add(request.waited_ms);
        match request.http_status {
            Some(200..=299) => {}
            Some(429) => self.limited += 1,
            Some(500..) => self.server_errors += 1,
            Some(_) => self.refused += 1,
            None => self.lost += 1,
        }
    }

    fn join(&mut self, other: &Self) {
        self.calls += other.calls;
        self.limited += other.limited;
        self.server_errors += other.server_errors;
        self.refused += other.refused;
        self.lost += other.lost;
        self.waited_ms = self.waited_ms.saturating_add(other.waited_ms);
    }

    /// Those that were answered with 2xx.
    #[must_use]
    pub(super) fn fine(&self) -> u64 {
        self.calls - self.limited - self.server_errors - self.refused - self.lost
    }

    /// How long they had waited on average, in milliseconds.
    #[must_use]
    pub(super) fn mean_wait_ms(&self) -> u64 {
        self.waited_ms.checked_div(self.calls).unwrap_or_default()
    }
}

/// Requests by the time at which they went out.
#[derive(Debug)]
pub(super) struct Timeline {
    width: i64,
    /// By the time in widths since 1970.
    buckets: BTreeMap<i64, Bucket>,
    /// The first and the last bucket, empty ones included.
    ends: Option<(i64, i64)>,
    shared: SharedRequests,
}

impl Default for Timeline {
    fn default() -> Self {
        let (buckets, shared) = (BTreeMap::new(), SharedRequests::default());
        Self { width: WIDTHS[0], buckets, ends: None, shared }
    }
}

impl Timeline {
    /// Counts a request of a row, unless it was counted with another row.
    pub(super) fn count(&mut self, request: &SentRequest) {
        if self.shared.is_new(request) {
            self.cover(request.at);
            let index = self.index(request.at);
            self.buckets.entry(index).or_default().count(request);
        }
    }

    /// Makes a time part of it, with or without a request.
    pub(super) fn cover(&mut self, time: Timestamp) {
        loop {
            let index = self.index(time);
            let (first, last) = self.ends.unwrap_or((index, index));
            let (first, last) = (first.min(index), last.max(index));
            if last - first < MOST_BUCKETS {
                self.ends = Some((first, last));
                return;
            }
            self.widen();
        }
    }

    fn index(&self, time: Timestamp) -> i64 {
        time.as_millisecond().div_euclid(self.width)
    }

    fn widen(&mut self) {
        let next = WIDTHS.iter().find(|width| **width > self.width);
        let wider = next.copied().unwrap_or(self.width * 2);
        let times = wider / self.width;
        for (index, bucket) in std::mem::take(&mut self.buckets) {
            self.buckets.entry(index.div_euclid(times)).or_default().join(&bucket);
        }
        self.ends =
            self.ends.map(|(first, last)| (first.div_euclid(times), last.div_euclid(times)));
        self.width = wider;
    }

    /// How wide a bucket is, in milliseconds.
    #[must_use]
    pub(super) fn width_ms(&self) -> u64 {
        self.width.unsigned_abs()
    }

    /// The buckets in order, empty ones included, each with when it begins.
    #[must_use]
    pub(super) fn buckets(&self) -> Vec<(Timestamp, Bucket)> {
        let Some((first, last)) = self.ends else { return Vec::new() };
        let one = |index: i64| {
            let begins = Timestamp::from_millisecond(index.saturating_mul(self.width));
            let bucket = self.buckets.get(&index).copied().unwrap_or_default();
            (begins.unwrap_or(Timestamp::MIN), bucket)
        };
        (first..=last).map(one).collect()
    }

    /// All requests.
    #[must_use]
    pub(super) fn total(&self) -> Bucket {
        let mut total = Bucket::default();
        self.buckets.values().for_each(|bucket| total.join(bucket));
        total
    }
}

/// Requests of several rows, each of which is in the lines of all its rows. The latest are remembered:
/// its rows end close to each other.
#[derive(Debug, Default)]
struct SharedRequests {
    seen: HashSet<u64>,
    order: VecDeque<u64>,
}

impl SharedRequests {
    fn is_new(&mut self, request: &SentRequest) -> bool {
        let is_shared = [&PATCH_BATCH, &CREATE_BATCH, &DELETE_BATCH]
            .iter()
            .any(|operation| operation.path == request.path);
        if !is_shared {
            return true;
        }
        // Two that leave within one millisecond differ in their answers.
        let mut hash = Xxh3::new();
        hash.update(request.path.as_bytes());
        for number in [
            request.at.as_millisecond().unsigned_abs(),
            request.waited_ms,
            request.took_ms,
            request.http_status.map_or(0, u64::from),
        ] {
            hash.update(&number.to_le_bytes());
        }
        let key = hash.digest();
        if !self.seen.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &'static str, at: i64, status: Option<u16>) -> SentRequest {
        SentRequest {
            at: Timestamp::from_millisecond(at).unwrap(),
            path: path.into(),
            waited_ms: 40,
            took_ms: 10,
            http_status: status,
            lost: None,
        }
    }

    #[test]
    fn a_batch_is_counted_once_and_single_calls_each() {
        let mut timeline = Timeline::default();
        for _ in 0..100 {
            timeline.count(&request(PATCH_BATCH.path, 5_000, Some(200)));
            timeline.count(&request("/v1/mgmt/user/update/phone", 5_000, Some(200)));
        }
        timeline.count(&request(PATCH_BATCH.path, 5_001, Some(200)));
        assert_eq!(timeline.total().calls, 102);
    }

    #[test]
    fn buckets_are_joined_and_nothing_is_lost() {
        for (step, calls) in [(1, 1_000), (97, 5_000), (60_000, 3_000), (86_400_000, 1_200)] {
            let mut timeline = Timeline::default();
            // Later first: the order of ends is not the order of starts.
            for n in (0..calls).rev() {
                timeline.count(&request("/x", n * step, Some(if n % 2 == 0 { 200 } else { 429 })));
            }
            let buckets = timeline.buckets();
            assert!(buckets.len() <= 300, "{} of {step}", buckets.len());
            let sum: u64 = buckets.iter().map(|(_, bucket)| bucket.calls).sum();
            assert_eq!(sum, calls.unsigned_abs());
            assert_eq!(timeline.total().limited, calls.unsigned_abs() / 2);
            assert_eq!(timeline.total().mean_wait_ms(), 40);
        }
    }

    #[test]
    fn times_at_both_ends_of_time_are_harmless() {
        let mut timeline = Timeline::default();
        timeline.cover(Timestamp::MIN);
        timeline.cover(Timestamp::MAX);
        timeline.count(&request("/x", 0, None));
        assert!(timeline.buckets().len() <= 300);
        assert_eq!(timeline.total().lost, 1);
    }

    #[test]
    fn each_width_is_a_multiple_of_the_one_before() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
    }

    #[test]
    fn answers_are_told_apart() {
        let mut timeline = Timeline::default();
        for status in [Some(200), Some(400), Some(429), Some(500), Some(503), None] {
            timeline.count(&request("/x", 0, status));
        }
        let total = timeline.total();
        let told = (total.fine(), total.refused, total.limited, total.server_errors, total.lost);
        assert_eq!(told, (1, 1, 1, 2, 1));
    }
}
