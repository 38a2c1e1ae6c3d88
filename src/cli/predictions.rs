//! What became of the author's predictions, for a terminal.

use std::fmt::Write;

use annotate_snippets::normalize_untrusted_str;

use crate::report::{Judgement, tally};

/// A line for how many hold, and one for each; "" without predictions.
pub fn told(judged: &[Judgement]) -> String {
    let mut text = String::new();
    if judged.is_empty() {
        return text;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Predictions: {}", tally(judged));
    for judgement in judged {
        let _ = writeln!(text, "  {:<10}  {}", judgement.outcome.words(), normalize_untrusted_str(judgement.claim));
        for condition in &judgement.conditions {
            let mark = if condition.holds { "✓" } else { "✗" };
            let interval = [&condition.interval_text, "; "].concat();
            let interval = if condition.interval_text.is_empty() { "" } else { &interval };
            if judgement.conditions.len() > 1 {
                let _ = writeln!(text, "  {:<10}  {}", "", normalize_untrusted_str(&condition.expect));
            }
            let (found, bound, n) = (&condition.found_text, &condition.bound_text, condition.n);
            let _ = writeln!(text, "  {:<10}  {mark} {found}, expected {bound}; {interval}n = {n}", "");
        }
        for why in &judgement.why {
            let _ = writeln!(text, "  {:<10}  {}", "", normalize_untrusted_str(why));
        }
    }
    text
}
