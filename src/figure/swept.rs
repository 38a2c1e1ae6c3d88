//! What a sweep varies, as an axis: of numbers where they are, of names otherwise; the other fields tell panels apart.

use indexmap::IndexSet;

use super::{Axis, axis};
use crate::record::VariantFacts;

/// Where each variant stands.
pub(super) struct Swept<'a> {
    /// Of numbers an x axis; of names rows.
    pub axis: Axis,
    pub numeric: bool,
    /// The panels' titles: one, "", where one field is swept.
    pub panels: Vec<String>,
    /// In the order of the sweep.
    pub places: Vec<Place<'a>>,
}

pub(super) struct Place<'a> {
    pub variant: &'a str,
    pub panel: usize,
    /// On the axis.
    pub at: f64,
    /// The value as it was written.
    pub text: &'a str,
}

/// `None` of less than two values.
pub(super) fn swept(variants: &[VariantFacts]) -> Option<Swept<'_>> {
    let (label, texts, panels) = match field(variants) {
        Some(field) => (short(&variants[0].settings[field].0), texts(variants, field), Some(titles(variants, field))),
        // No grid: each variant is a value of its own.
        None => ("variant".into(), variants.iter().map(|variant| variant.name.as_str()).collect(), None),
    };
    let titles: IndexSet<String> = panels.iter().flatten().cloned().collect();
    let panel = |number: usize| panels.as_ref().and_then(|all| titles.get_index_of(&all[number])).unwrap_or(0);
    let distinct: IndexSet<&str> = texts.iter().copied().collect();
    if distinct.len() < 2 {
        return None;
    }
    let numbers: Option<Vec<f64>> = distinct.iter().map(|text| number(text)).collect();
    // "1" and "1.0" would be one place.
    let differ = |numbers: &Vec<f64>| (1..numbers.len()).all(|at| !numbers[..at].contains(&numbers[at]));
    let numbers = numbers.filter(differ);
    let axis = match &numbers {
        Some(numbers) => numeric(&label, numbers, &distinct),
        None => axis::rows(&label, &distinct.iter().map(|name| name.to_string()).collect::<Vec<_>>()),
    };
    let at = |text: &str| match (&numbers, distinct.get_index_of(text)) {
        (Some(numbers), Some(at)) => numbers[at],
        (None, Some(at)) => (distinct.len() - 1 - at) as f64,
        (_, None) => 0.0,
    };
    let places = variants.iter().zip(&texts).enumerate();
    let places = places.map(|(number, (variant, text))| Place {
        variant: &variant.name,
        panel: panel(number),
        at: at(text),
        text,
    });
    let panels = if titles.is_empty() { vec![String::new()] } else { titles.iter().cloned().collect() };
    Some(Swept { axis, numeric: numbers.is_some(), panels, places: places.collect() })
}

/// Of a whole grid, the field that is the axis: one of numbers before one of names, then the one with the most values, then
/// the last.
fn field(variants: &[VariantFacts]) -> Option<usize> {
    let fields: Vec<&str> = variants.first()?.settings.iter().map(|(field, _)| field.as_str()).collect();
    let same =
        |variant: &VariantFacts| variant.settings.iter().map(|(field, _)| field.as_str()).eq(fields.iter().copied());
    if !variants.iter().all(same) {
        return None;
    }
    let distinct = |field: usize| values(variants, field).into_iter().collect::<IndexSet<&str>>();
    let cells: usize = (0..fields.len()).map(|field| distinct(field).len()).product();
    let combinations: IndexSet<&Vec<(String, String)>> = variants.iter().map(|variant| &variant.settings).collect();
    if cells != variants.len() || combinations.len() != cells {
        return None;
    }
    let rank = |field: &usize| {
        let values = distinct(*field);
        (values.len() > 1, values.iter().all(|value| number(value).is_some()), values.len(), *field)
    };
    (0..fields.len()).max_by_key(rank).filter(|best| rank(best).0)
}

fn values(variants: &[VariantFacts], field: usize) -> Vec<&str> {
    variants.iter().map(|variant| variant.settings[field].1.as_str()).collect()
}

/// The same, where an author gave variants names and these are values' own, by their names.
fn texts(variants: &[VariantFacts], field: usize) -> Vec<&str> {
    let values = values(variants, field);
    let numeric = values.iter().all(|value| number(value).is_some());
    let named =
        |(variant, value): (&VariantFacts, &&str)| variant.settings.len() == 1 && !variant.name.ends_with(*value);
    match !numeric && variants.iter().zip(&values).all(named) {
        true => variants.iter().map(|variant| variant.name.as_str()).collect(),
        false => values,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// What a variant sets besides one field: "model=conv-2 width=0.5".
fn titles(variants: &[VariantFacts], field: usize) -> Vec<String> {
    let differs = |at: usize| values(variants, at).into_iter().collect::<IndexSet<&str>>().len() > 1;
    let others = |variant: &VariantFacts| {
        let others = variant.settings.iter().enumerate().filter(|(at, _)| *at != field && differs(*at));
        others.map(|(_, (name, value))| format!("{}={value}", short(name))).collect::<Vec<_>>().join(" ")
    };
    variants.iter().map(others).collect()
}

/// The last part of a field's path; a `use` is called by what uses it.
fn short(field: &str) -> String {
    let field = field.strip_suffix(".use").unwrap_or(field);
    field.rsplit('.').next().unwrap_or(field).replace('_', " ")
}

/// Linear or logarithmic, whichever lays the values more evenly.
fn numeric(label: &str, numbers: &[f64], texts: &IndexSet<&str>) -> Axis {
    let mut ticks: Vec<(f64, String)> = numbers.iter().zip(texts).map(|(at, text)| (*at, text.to_string())).collect();
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (least, most) = (ticks[0].0, ticks[ticks.len() - 1].0);
    let narrowest = |place: fn(f64) -> f64| {
        let gaps = ticks.windows(2).map(|pair| place(pair[1].0) - place(pair[0].0));
        gaps.fold(f64::INFINITY, f64::min) / (place(most) - place(least))
    };
    // Of two values, and of rounding, neither.
    if least > 0.0 && narrowest(f64::ln) > narrowest(|at| at) + 1e-9 {
        return axis::rising(label, &ticks);
    }
    let margin = (most - least) * 0.06;
    Axis { ticks, range: (least - margin, most + margin), ..axis::linear(label, numbers, (least, most)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Scale;

    fn variants(settings: &[(&str, &[(&str, &str)])]) -> Vec<VariantFacts> {
        let owned = |(field, value): &(&str, &str)| (field.to_string(), value.to_string());
        let variant = |(name, settings): &(&str, &[(&str, &str)])| VariantFacts {
            name: name.to_string(),
            settings: settings.iter().map(owned).collect(),
            parameters: 1,
            prunable: 1,
        };
        settings.iter().map(variant).collect()
    }

    #[test]
    fn numbers_are_an_axis_with_ticks_as_they_were_written() {
        let variants = variants(&[("b", &[("model.width", "1.0")]), ("a", &[("model.width", "0.5")])]);
        let swept = swept(&variants).unwrap();
        assert!(swept.numeric && swept.axis.scale == Scale::Linear && swept.panels == [""]);
        assert_eq!(swept.axis.ticks, [(0.5, "0.5".to_string()), (1.0, "1.0".to_string())]);
        assert_eq!(swept.axis.label, "width");
        assert_eq!(
            swept.places.iter().map(|place| (place.variant, place.at)).collect::<Vec<_>>(),
            [("b", 1.0), ("a", 0.5)]
        );
    }

    #[test]
    fn an_axis_of_numbers_is_the_one_that_lays_them_evenly() {
        let scale = |texts: &'static [&'static str]| {
            let settings: Vec<[(&str, &str); 1]> = texts.iter().map(|text| [("field", *text)]).collect();
            let named: Vec<(&str, &[(&str, &str)])> =
                texts.iter().copied().zip(settings.iter().map(|s| &s[..])).collect();
            swept(&variants(&named)).unwrap().axis.scale
        };
        assert_eq!(scale(&["1e-4", "1e-3", "1e-2"]), Scale::LogRising);
        assert_eq!(scale(&["0.1", "0.2", "0.4", "0.8"]), Scale::LogRising);
        assert_eq!(scale(&["0.1", "0.3", "0.5", "0.7", "0.9"]), Scale::Linear);
        assert_eq!(scale(&["0", "0.1", "1"]), Scale::Linear);
        assert_eq!(scale(&["0.1", "1"]), Scale::Linear);
    }

    #[test]
    fn of_two_fields_the_one_of_numbers_is_the_axis_and_the_other_tells_panels_apart() {
        let variants = variants(&[
            ("w", &[("width", "1"), ("model.use", "conv-2")]),
            ("x", &[("width", "1"), ("model.use", "conv-4")]),
            ("y", &[("width", "2"), ("model.use", "conv-2")]),
            ("z", &[("width", "2"), ("model.use", "conv-4")]),
        ]);
        let swept = swept(&variants).unwrap();
        assert_eq!(swept.panels, ["model=conv-2", "model=conv-4"]);
        assert_eq!(
            swept.places.iter().map(|place| (place.panel, place.at)).collect::<Vec<_>>(),
            [(0, 1.0), (1, 1.0), (0, 2.0), (1, 2.0)]
        );
    }

    #[test]
    fn what_all_variants_set_alike_tells_none_apart() {
        let variants = variants(&[
            ("narrow", &[("model.use", "conv-2"), ("model.width", "1")]),
            ("wide", &[("model.use", "conv-2"), ("model.width", "2")]),
        ]);
        assert_eq!(swept(&variants).unwrap().panels, [""]);
    }

    #[test]
    fn an_author_s_names_of_variants_stand_where_values_are_no_numbers() {
        let listed = variants(&[("true", &[("noise", "{fraction=0}")]), ("random", &[("noise", "{fraction=1}")])]);
        let of_names = swept(&listed).unwrap();
        assert_eq!(of_names.places.iter().map(|place| place.text).collect::<Vec<_>>(), ["true", "random"]);
        let made = variants(&[("model=a", &[("model.use", "a")]), ("model=b", &[("model.use", "b")])]);
        assert_eq!(swept(&made).unwrap().axis.ticks[1].1, "a");
    }

    #[test]
    fn what_is_no_grid_has_a_row_a_variant_the_first_at_the_top() {
        let listed = variants(&[("true", &[("noise", "0")]), ("permuted", &[("noise", "1"), ("kind", "permuted")])]);
        let of_names = swept(&listed).unwrap();
        assert!(!of_names.numeric && of_names.axis.label == "variant" && of_names.panels == [""]);
        assert_eq!(of_names.axis.ticks, [(0.0, "permuted".to_string()), (1.0, "true".to_string())]);
        assert_eq!(of_names.places.iter().map(|place| place.at).collect::<Vec<_>>(), [1.0, 0.0]);
        let holes = variants(&[
            ("conv-2", &[("use", "conv-2"), ("width", "1")]),
            ("conv-4", &[("use", "conv-4"), ("width", "1")]),
            ("conv-4 wide", &[("use", "conv-4"), ("width", "2")]),
        ]);
        assert!(!swept(&holes).unwrap().numeric);
        assert!(swept(&listed[..1]).is_none() && swept(&[]).is_none());
    }
}
