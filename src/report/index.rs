//! The index of all reports: a line an experiment, taken from its records.

use serde::Serialize;

use super::context::progress;
use super::output::{Content, File};
use super::predictions::{Outcome, judge, tally};
use super::{provenance, template};
use crate::record::Study;

/// An experiment's line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The report's folder, below that of all reports.
    pub folder: String,
    pub title: String,
    pub question: String,
    /// How many predictions hold, fail and are not judged.
    pub holds: usize,
    pub fails: usize,
    pub not_judged: usize,
    /// The same in words; "" without predictions.
    pub predictions: String,
    /// The claims that failed.
    pub failed: Vec<String>,
    pub replicates: u32,
    /// Wall time of trainings and analyses.
    pub time: String,
    /// What has not run yet: "5 of 8 tickets", or "".
    pub incomplete: String,
}

impl Entry {
    pub fn of(folder: &str, study: &Study) -> Entry {
        let (judged, progress) = (judge(study), progress(study));
        let count = |outcome| judged.iter().filter(|judgement| judgement.outcome == outcome).count();
        let failed = judged.iter().filter(|judgement| judgement.outcome == Outcome::Fails);
        let header = &study.header;
        Entry {
            folder: folder.into(),
            title: if header.title.is_empty() { header.experiment.clone() } else { header.title.clone() },
            question: header.question.clone(),
            holds: count(Outcome::Holds),
            fails: count(Outcome::Fails),
            not_judged: count(Outcome::NotJudged),
            predictions: if judged.is_empty() { String::new() } else { tally(&judged) },
            failed: failed.map(|judgement| judgement.claim.to_string()).collect(),
            replicates: header.replicates,
            time: provenance::compute(study).total,
            incomplete: match progress.complete {
                true => String::new(),
                false => format!("{} of {} {}", progress.done, progress.planned, progress.of),
            },
        }
    }
}

#[derive(Serialize)]
struct Context<'a> {
    entries: &'a [Entry],
    holds: usize,
    fails: usize,
    not_judged: usize,
}

/// The page and the Markdown, to be put beside the reports' folders.
pub fn index(entries: &[Entry]) -> Result<Vec<File<'static>>, String> {
    let sum = |of: fn(&Entry) -> usize| entries.iter().map(of).sum();
    let (holds, fails, not_judged) = (sum(|e| e.holds), sum(|e| e.fails), sum(|e| e.not_judged));
    let [page, markdown] = template::index(&Context { entries, holds, fails, not_judged })?;
    let file = |path: &str, text| File { path: path.into(), content: Content::Text(text) };
    Ok(vec![file("index.html", page), file("index.md", markdown)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;
    use crate::record::{PredictionFacts, Status};

    fn entry() -> Entry {
        let mut study = fixture::study();
        study.header.question = "Does it <hold>?".into();
        let expect = |expect: &str| PredictionFacts { claim: format!("claim {expect}"), expect: expect.into() };
        study.header.predictions = ["dense.level > 1", "x.level > 1"].map(expect).into();
        study.rows[0].status = Status::Missing;
        study.rows[0].record = None;
        Entry::of("quick", &study)
    }

    fn text(entry: &Entry, path: &str) -> String {
        let files = index(std::slice::from_ref(entry)).unwrap();
        let mut bytes = Vec::new();
        files.iter().find(|file| file.path == path).unwrap().content.write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_has_the_question_what_became_of_predictions_n_and_time() {
        let entry = entry();
        assert_eq!((entry.holds, entry.fails, entry.not_judged), (0, 0, 2));
        assert_eq!(entry.predictions, "0 hold, 0 fail, 2 are not judged");
        assert!(entry.replicates == 3 && entry.incomplete.starts_with("95 of 96"), "{entry:?}");
        let (page, markdown) = (text(&entry, "index.html"), text(&entry, "index.md"));
        assert!(page.contains("href=\"quick/index.html\"") && page.contains("Does it &lt;hold&gt;?"), "{page}");
        assert!(markdown.contains("[Quickstart](quick/report.md)"), "{markdown}");
        assert!(!page.contains("<script") && !markdown.contains("<hold>"));
    }

    #[test]
    fn claims_that_failed_are_told() {
        let mut study = fixture::study();
        let claim = "dense is at level 2".to_string();
        study.header.predictions = vec![PredictionFacts { claim, expect: "dense.level > 1".into() }];
        let entry = Entry::of("quick", &study);
        assert_eq!(entry.failed, ["dense is at level 2"]);
        assert!(text(&entry, "index.html").contains("dense is at level 2"));
        assert!(text(&entry, "index.md").contains("dense is at level 2"));
    }
}
