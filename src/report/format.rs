//! Numbers as a report writes them.

use super::cells::Tally;
use super::statistics::Sample;

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// "96.50 ± 0.25" of fractions, in %.
pub(super) fn percent(sample: Option<Sample>) -> String {
    match sample {
        None => NONE.into(),
        Some(Sample { mean, deviation: None, .. }) => format!("{:.2}", 100.0 * mean),
        Some(Sample { mean, deviation: Some(deviation), .. }) => {
            format!("{:.2} ± {:.2}", 100.0 * mean, 100.0 * deviation)
        }
    }
}

/// "96.30–96.80", from the least to the greatest replicate, in %.
pub(super) fn range(sample: Option<Sample>) -> String {
    sample
        .filter(|sample| sample.n > 1)
        .map_or(NONE.into(), |sample| format!("{:.2}–{:.2}", 100.0 * sample.least, 100.0 * sample.greatest))
}

/// "+0.40" in percentage points.
pub(super) fn points(sample: Option<Sample>) -> String {
    sample.map_or(NONE.into(), |sample| signed(sample.mean))
}

/// "+0.10 to +0.70" in percentage points.
pub(super) fn interval(sample: Option<Sample>) -> String {
    let interval = sample.and_then(|sample| sample.interval());
    interval.map_or(NONE.into(), |(low, high)| format!("{} to {}", signed(low), signed(high)))
}

/// With a true minus sign, and no sign before a zero.
pub(super) fn signed(fraction: f64) -> String {
    let written = format!("{:+.2}", 100.0 * fraction);
    match written.trim_start_matches(['+', '-']) {
        zero @ "0.00" => zero.into(),
        _ => written.replace('-', "−"),
    }
}

/// "12.3 s", "3 min 20 s", "1 h 02 min".
pub(super) fn duration(seconds: f64) -> String {
    // A sum of nothing is −0.
    let seconds = seconds.abs();
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// "1 missing, 2 failed"; "" where every ticket has its score and none broke its pipeline's bound.
pub(super) fn tally(tally: Tally) -> String {
    let counts = [
        (tally.missing, "missing"),
        (tally.failed, "failed"),
        (tally.diverged, "diverged"),
        (tally.stopped, "stopped"),
        (tally.broke_bound, "broke the stop bound"),
    ];
    let present = counts.iter().filter(|(count, _)| *count > 0);
    present.map(|(count, why)| format!("{count} {why}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_a_true_one_and_zero_has_none() {
        assert_eq!([0.0012, -0.0034, -0.00001].map(signed), ["+0.12", "−0.34", "0.00"]);
    }

    #[test]
    fn a_duration_has_the_two_units_that_matter() {
        assert_eq!([12.34, 200.0, 3725.0].map(duration), ["12.3 s", "3 min 20 s", "1 h 02 min"]);
    }
}
