//! When a message is tried again.

use std::time::Duration;

use domain::Randomness;

use crate::JobSettings;

/// How long to wait after `attempt` (1 = the first) has failed: exponential, with up to a quarter more by chance, so that a
/// server that comes back is not met by everything at once. `None` when the attempts are used up.
pub(crate) fn delay(attempt: i32, settings: &JobSettings, randomness: &dyn Randomness) -> Option<Duration> {
    if attempt >= settings.max_attempts {
        return None;
    }
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(30);
    let seconds = settings.first_retry_seconds.saturating_mul(1 << doublings).min(settings.max_retry_seconds);
    let mut byte = [0];
    randomness.fill(&mut byte);
    let [chance] = byte;
    let jitter_milliseconds = seconds.saturating_mul(250).saturating_mul(u64::from(chance)) / 255;
    Some(Duration::from_secs(seconds) + Duration::from_millis(jitter_milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);

    impl Randomness for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    const SETTINGS: JobSettings = JobSettings {
        batch: 16,
        lease_seconds: 120,
        poll_milliseconds: 1000,
        max_attempts: 5,
        first_retry_seconds: 10,
        max_retry_seconds: 60,
        cleanup_interval_seconds: 3600,
    };

    #[test]
    fn delays_double_up_to_the_limit_and_then_end() {
        let delays: Vec<_> = (1..=5).map(|attempt| delay(attempt, &SETTINGS, &Constant(0))).collect();
        assert_eq!(
            delays,
            [10, 20, 40, 60]
                .map(|seconds| Some(Duration::from_secs(seconds)))
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn chance_adds_at_most_a_quarter() {
        assert_eq!(delay(1, &SETTINGS, &Constant(255)), Some(Duration::from_millis(12_500)));
    }
}
