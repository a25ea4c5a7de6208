//! Time, which comes in from outside: [`Timestamp`] values and the [`Clock`] that makes them.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A moment in UTC with microseconds, the resolution of every time in the database and on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment from microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down: the `NumericDate` of RFC 7519.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved forward, saturating at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This moment moved back, saturating at the beginning of time.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2026-03-04 10:15:00.123456`, the form of Glue's `createdAt` and `updatedAt`.
    pub fn to_glue(self) -> String {
        self.to_jiff().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
    }

    /// Reads `2026-03-04 10:15:00`, with up to nine digits of a second or none, and `2026-03-04`, which is its midnight. UTC.
    pub fn parse_glue(text: &str) -> Option<Self> {
        const DAY: usize = "2026-03-04".len();
        let is_day =
            |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        if text.len() < DAY || !text.bytes().take(DAY).enumerate().all(is_day) {
            return None;
        }
        let moment = match text.len() {
            DAY => jiff::civil::Date::strptime("%Y-%m-%d", text).ok()?.at(0, 0, 0, 0),
            _ => jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok()?,
        };
        Some(Self(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond()))
    }

    /// `2026-03-04T10:15:00.123456Z`, as in RFC 3339.
    pub fn to_rfc3339(self) -> String {
        self.to_jiff().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }

    /// The calendar day in UTC.
    pub fn date(self) -> jiff::civil::Date {
        self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Tells the time. The only way to learn it: `clippy.toml` forbids the ambient ones.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// The system's clock with an offset that test suites move forward, so that they need not wait for lifetimes to pass.
#[derive(Debug, Default)]
pub struct MovableClock {
    advanced_micros: AtomicI64,
}

impl MovableClock {
    /// Moves the clock forward and tells the new time.
    pub fn advance(&self, duration: Duration) -> Timestamp {
        self.advanced_micros.fetch_add(micros(duration), Ordering::SeqCst);
        self.now()
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0.saturating_add(self.advanced_micros.load(Ordering::SeqCst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_the_wire() {
        let moment = Timestamp::from_micros(1_772_619_300_123_456);
        assert_eq!(moment.to_glue(), "2026-03-04 10:15:00.123456");
        assert_eq!(moment.to_rfc3339(), "2026-03-04T10:15:00.123456Z");
        assert_eq!(moment.as_seconds(), 1_772_619_300);
        assert_eq!(moment.date().to_string(), "2026-03-04");
    }

    #[test]
    fn what_is_written_for_the_wire_can_be_read_again() {
        let moment = Timestamp::from_micros(1_772_619_300_123_456);
        for (text, expected) in [
            ("2026-03-04 10:15:00.123456", moment),
            ("2026-03-04 10:15:00", Timestamp::from_micros(1_772_619_300_000_000)),
            ("2026-03-04", Timestamp::from_micros(1_772_582_400_000_000)),
            ("1969-12-31 23:59:59.5", Timestamp::from_micros(-500_000)),
        ] {
            assert_eq!(Timestamp::parse_glue(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "2026",
            "2026-3-4",
            "2026-02-30",
            "04.03.2026",
            "2026-03-04 ",
            "2026-03-04T10:15:00",
            "2026-03-04 10:15",
            "2026-03-04 25:00:00",
            "2026-03-04 10:15:00 +01",
            "-026-03-04",
        ] {
            assert_eq!(Timestamp::parse_glue(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::from_micros(5).since(Timestamp::from_micros(9)), Duration::ZERO);
        assert!(!end.to_glue().is_empty());
    }

    #[test]
    fn a_movable_clock_runs_ahead_of_the_system() {
        let clock = MovableClock::default();
        let before = clock.now();
        let after = clock.advance(Duration::from_secs(3600));
        assert!(after.since(before) >= Duration::from_secs(3600));
    }
}
