//! How the panels of a sweep stand: a panel a variant, as rows and columns where the sweep is of two fields.

use crate::record::{Study, VariantFacts};

/// More panels than a reader can compare: they stand in two columns, however long.
const MOST: usize = 16;
/// More columns than a page has room for.
const COLUMNS: usize = 4;

/// In how many columns a study's panels stand; `None` of one, and of more than anybody compares.
pub(super) fn columns(study: &Study, panels: usize) -> Option<usize> {
    if !(2..=MOST).contains(&panels) {
        return None;
    }
    let of_fields = || second_field(&study.header.variants).filter(|columns| *columns <= COLUMNS);
    let grid = Some(study.header.variants.len()).filter(|variants| *variants == panels).and_then(|_| of_fields());
    Some(grid.unwrap_or(match panels {
        2 | 4 => 2,
        3 | 5 | 6 | 9 => 3,
        _ => COLUMNS,
    }))
}

/// In how many columns panels stand of which each variant has so many: a row holds all of some variants, or the same part
/// of one's.
pub(super) fn of_each_variant(panels: usize) -> Option<usize> {
    let whole = |columns: &usize| panels.is_multiple_of(*columns) || columns.is_multiple_of(panels);
    (2..=COLUMNS).rev().find(whole).or(Some(COLUMNS))
}

/// Of a sweep of two fields, every combination of theirs in order, how many values the second one has.
fn second_field(variants: &[VariantFacts]) -> Option<usize> {
    let (first, _) = variants.first()?.settings.first()?;
    let fields = |variant: &VariantFacts| match &variant.settings[..] {
        [(one, a), (other, b)] if one == first => Some((other.clone(), a.clone(), b.clone())),
        _ => None,
    };
    let all: Vec<(String, String, String)> = variants.iter().map(fields).collect::<Option<_>>()?;
    let columns = all.iter().take_while(|(other, a, _)| *other == all[0].0 && *a == all[0].1).count();
    let in_order = |(number, (other, a, b)): (usize, &(String, String, String))| {
        let (row, column) = (&all[number - number % columns], &all[number % columns]);
        *other == all[0].0 && *a == row.1 && *b == column.2
    };
    let rows_differ = all.chunks(columns).collect::<Vec<_>>().windows(2).all(|pair| pair[0][0].1 != pair[1][0].1);
    let whole = all.len().is_multiple_of(columns) && rows_differ && columns < all.len();
    (whole && all.iter().enumerate().all(in_order)).then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::fixture::study;

    fn sweep(settings: &[&[(&str, &str)]]) -> Study {
        let mut study = study();
        let facts = |settings: &&[(&str, &str)]| VariantFacts {
            name: format!("{settings:?}"),
            settings: settings.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect(),
            parameters: 1,
            prunable: 1,
        };
        study.header.variants = settings.iter().map(facts).collect();
        study
    }

    fn grid(models: &[&'static str], widths: &[&'static str]) -> Study {
        let cell = |model: &'static str, width: &'static str| [("model.use", model), ("width", width)];
        let settings: Vec<_> = models.iter().flat_map(|model| widths.iter().map(|width| cell(model, width))).collect();
        sweep(&settings.iter().map(|settings| &settings[..]).collect::<Vec<_>>())
    }

    #[test]
    fn two_fields_give_rows_and_columns_up_to_four_of_a_row() {
        assert_eq!(columns(&grid(&["conv-2", "conv-4"], &["0.5", "1", "2"]), 6), Some(3));
        assert_eq!(columns(&grid(&["conv-2", "conv-4", "conv-6"], &["0.5", "1"]), 6), Some(2));
        // Five widths are wider than a page: as many panels of one field would stand.
        assert_eq!(columns(&grid(&["conv-2", "conv-4"], &["1", "2", "3", "4", "5"]), 10), Some(4));
    }

    #[test]
    fn six_pipelines_of_each_variant_stand_in_three_columns() {
        assert_eq!([2, 3, 4, 6, 8, 5].map(of_each_variant), [4, 3, 4, 3, 4, 4].map(Some));
    }

    #[test]
    fn what_is_no_grid_is_filled_row_by_row() {
        let one = sweep(&[&[("model.use", "conv-2")], &[("model.use", "conv-4")], &[("model.use", "conv-6")]]);
        assert_eq!((columns(&one, 3), columns(&one, 1), columns(&one, 17)), (Some(3), None, None));
        let mut ragged = grid(&["conv-2", "conv-4"], &["0.5", "1", "2"]);
        ragged.header.variants.pop();
        assert_eq!((columns(&ragged, 5), columns(&ragged, 4)), (Some(3), Some(2)));
        let listed = sweep(&[&[("a", "1"), ("b", "1")], &[("a", "1"), ("c", "2")]]);
        assert_eq!(columns(&listed, 2), Some(2));
    }
}
