//! Latencies, with a precision of one sixty-fourth.

use std::time::Duration;

/// Buckets for each doubling, as a power of two.
const STEPS: u32 = 6;

/// Counts durations in buckets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram(Vec<u64>);

impl Histogram {
    pub(crate) fn add(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let nanos = nanos.max(1 << STEPS);
        let doubling = nanos.ilog2();
        let step = (nanos >> (doubling - STEPS)) & ((1 << STEPS) - 1);
        let bucket = ((doubling << STEPS) as u64 + step) as usize;
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// The latency in milliseconds that this share of all does not exceed.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let total: u64 = self.0.iter().sum();
        let mut left = (total as f64 * share).ceil() as u64;
        for (bucket, count) in self.0.iter().enumerate() {
            if *count >= left {
                let (doubling, step) = (bucket >> STEPS, bucket & ((1 << STEPS) - 1));
                // The upper end of the bucket.
                let nanos = (((1 << STEPS) + step as u128 + 1) << doubling) >> STEPS;
                return nanos as f64 / 1e6;
            }
            left -= count;
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Histogram;

    #[test]
    fn percentiles_are_right_to_a_sixty_fourth() {
        let (mut even, mut odd) = (Histogram::default(), Histogram::default());
        for micros in (100..=10_000).step_by(2) {
            even.add(Duration::from_micros(micros));
            odd.add(Duration::from_micros(micros + 1));
        }
        even.merge(&odd);
        for (share, millis) in [(0.5, 5.05), (0.99, 9.9), (1.0, 10.0)] {
            let told = even.percentile(share);
            assert!(
                told >= millis && told < millis * 65.0 / 64.0,
                "{share}: {told}"
            );
        }
        assert_eq!(Histogram::default().percentile(0.5), 0.0);
    }

    #[test]
    fn the_shortest_and_the_longest_have_a_bucket() {
        let mut histogram = Histogram::default();
        histogram.add(Duration::ZERO);
        assert!(histogram.percentile(1.0) < 0.001);
        histogram.add(Duration::from_secs(3600));
        assert!(histogram.percentile(1.0) > 3_600_000.0);
    }
}
