//! Latencies, to about 6 %.

use std::time::Duration;

/// Counts durations in buckets, sixteen to each doubling.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram(Vec<u64>);

impl Histogram {
    pub(crate) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros())
            .unwrap_or(u64::MAX)
            .max(16);
        let doubling = 63 - micros.leading_zeros();
        let bucket = (doubling * 16) as usize + ((micros >> (doubling - 4)) & 15) as usize;
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
                let (doubling, step) = (bucket / 16, bucket % 16);
                let micros = (16 + step as u64) << doubling >> 4;
                return micros as f64 / 1000.0;
            }
            left -= count;
        }
        0.0
    }
}
