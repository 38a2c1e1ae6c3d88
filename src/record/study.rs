//! An experiment's results, and `records.jsonl`: the header, then the rows, those of analyses last, one JSON value a
//! line.

use std::borrow::Cow;
use std::io::{BufRead, Error, Write};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Curve, Header, Record, Row, Verification};

/// An experiment's results: all that a report is made from.
#[derive(Clone)]
pub struct Study {
    pub header: Header,
    pub rows: Vec<Row>,
    /// What analyses measured, in plan order.
    pub analyses: Vec<Row>,
    /// Where the rows' records are whole, if they are here without their curves: those of a long experiment are
    /// gigabytes. `curve` looks there, and `write`.
    pub shelf: Option<Arc<dyn Shelf>>,
    /// What the last rerun of these results found, where there was one. It is no part of `records.jsonl`.
    pub verification: Option<Verification>,
}

/// Gives whole records, one at a time.
pub trait Shelf: Send + Sync {
    fn record(&self, step: &str) -> Option<Record>;

    /// The same as a line of JSON, which need not be taken apart and put together again.
    fn json(&self, step: &str) -> Option<String>;
}

/// The first line: the header, and how many rows follow it, so that a file that was cut is none.
#[derive(Serialize)]
struct First<'a> {
    #[serde(flatten)]
    header: &'a Header,
    rows: usize,
}

/// The same as it is read. Files of before have no count.
#[derive(Deserialize)]
struct FirstRead {
    #[serde(flatten)]
    header: Header,
    #[serde(default)]
    rows: Option<usize>,
}

impl Study {
    /// The curve of a row's training.
    pub fn curve<'a>(&self, row: &'a Row) -> Option<Cow<'a, Curve>> {
        let here = row.record.as_ref()?.training.as_ref()?;
        match &self.shelf {
            None => Some(Cow::Borrowed(&here.curve)),
            Some(shelf) => Some(Cow::Owned(shelf.record(&row.step)?.training?.curve)),
        }
    }

    /// Writes the header and then each row as one line of JSON, curves included.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        /// Lines that are in memory at once.
        const LINES: usize = 256;
        let rows = self.rows.len() + self.analyses.len();
        serde_json::to_writer(&mut *out, &First { header: &self.header, rows })?;
        out.write_all(b"\n")?;
        for rows in self.rows.chunks(LINES).chain(self.analyses.chunks(LINES)) {
            let lines: Vec<std::io::Result<Vec<u8>>> = rows.par_iter().map(|row| self.line(row)).collect();
            lines.into_iter().try_for_each(|line| out.write_all(&line?))?;
        }
        Ok(())
    }

    fn line(&self, row: &Row) -> std::io::Result<Vec<u8>> {
        let mut line = match (&self.shelf, &row.record) {
            (Some(shelf), Some(_)) => {
                let gone = || Error::other(format!("step {} has gone from the store meanwhile", row.step));
                let record = shelf.json(&row.step).ok_or_else(gone)?;
                let mut line = serde_json::to_vec(&Row { record: None, ..row.clone() })?;
                // The record is the last of a row's fields.
                line.pop();
                line.extend(format!(",\"record\":{record}}}").bytes());
                line
            }
            _ => serde_json::to_vec(row)?,
        };
        line.push(b'\n');
        Ok(line)
    }

    /// Reads what `write` wrote; the error names the line.
    pub fn read(input: impl BufRead) -> Result<Study, String> {
        let mut lines = input.lines().enumerate().map(|(i, line)| (i + 1, line));
        fn parse<T: serde::de::DeserializeOwned>((n, line): (usize, std::io::Result<String>)) -> Result<T, String> {
            let line = line.map_err(|e| format!("line {n}: {e}"))?;
            serde_json::from_str(&line).map_err(|e| format!("line {n}: {e}"))
        }
        let FirstRead { header, rows } = parse(lines.next().ok_or("the file is empty")?)?;
        let all: Vec<Row> = lines.map(parse).collect::<Result<_, _>>()?;
        if let Some(rows) = rows.filter(|rows| *rows != all.len()) {
            return Err(format!("{} rows follow the first line, which says {rows}: the file was cut", all.len()));
        }
        let (rows, analyses) = all.into_iter().partition(|row| row.analysis.is_empty());
        Ok(Study { header, rows, analyses, shelf: None, verification: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture;

    /// The records of a study, whole.
    struct Whole(Study);

    impl Shelf for Whole {
        fn record(&self, step: &str) -> Option<Record> {
            self.0.rows.iter().chain(&self.0.analyses).find(|row| row.step == step)?.record.clone()
        }

        fn json(&self, step: &str) -> Option<String> {
            serde_json::to_string(&self.record(step)?).ok()
        }
    }

    fn written(study: &Study) -> Vec<u8> {
        let mut bytes = Vec::new();
        study.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_file_that_was_cut_at_a_line_is_no_study() {
        let mut whole = fixture::study();
        whole.shelf = None;
        let mut bytes = Vec::new();
        whole.write(&mut bytes).unwrap();
        assert!(Study::read(&bytes[..]).is_ok());
        let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        let why = Study::read(&bytes[..=end]).err().unwrap();
        let rows = whole.rows.len();
        assert_eq!(why, format!("{} rows follow the first line, which says {rows}: the file was cut", rows - 1));
        // Files of before say no count.
        let text = String::from_utf8(bytes[..=end].to_vec()).unwrap().replacen(&format!(",\"rows\":{rows}"), "", 1);
        assert!(Study::read(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_study_whose_curves_are_on_a_shelf_is_the_same_study() {
        let mut whole = fixture::study();
        whole.analyses = vec![fixture::analysis("anatomy", 0, 3)];
        let mut shelved = Study { shelf: Some(Arc::new(Whole(whole.clone()))), ..whole.clone() };
        let records = shelved.rows.iter_mut().filter_map(|row| row.record.as_mut()?.training.as_mut());
        records.for_each(|training| training.curve = Curve::default());
        assert_eq!(written(&shelved), written(&whole));
        for (one, other) in shelved.rows.iter().zip(&whole.rows) {
            assert_eq!(shelved.curve(one).as_deref(), whole.curve(other).as_deref());
        }
        let back = Study::read(&written(&shelved)[..]).unwrap();
        assert!(back.rows == whole.rows && back.analyses == whole.analyses && back.header == whole.header);
    }
}
