//! Figures: a study's rows become a drawing, as data. What draws it is `report/svg.rs`.

use crate::record::Study;

/// A figure of the report; `None` where the study has nothing for it to show.
pub trait Figure: Send + Sync {
    fn draw(&self, study: &Study) -> Option<Drawing>;
}

/// What is drawn, as data: axes, series, caption. The report's helper designs its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {}
