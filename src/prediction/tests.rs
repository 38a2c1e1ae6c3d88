//! Expressions are read as they are meant, and nothing makes the reader panic.

use proptest::prelude::*;

use super::*;
use crate::record::Heading;

fn read(text: &str) -> Expression {
    parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

/// The same without places, so that two readings can be compared.
fn bare(mut expression: Expression) -> Expression {
    expression.span = 0..0;
    let inner = |inner: Box<Expression>| Box::new(bare(*inner));
    expression.kind = match expression.kind {
        Kind::Number(number) => Kind::Number(number),
        Kind::Result(reference) => Kind::Result(Box::new(unplaced(*reference))),
        Kind::Negative(value) => Kind::Negative(inner(value)),
        Kind::Call(function, arguments) => Kind::Call(function, arguments.into_iter().map(bare).collect()),
        Kind::Join(operator, left, right) => Kind::Join(operator, inner(left), inner(right)),
        Kind::Within(within) => {
            let Within { value, tolerance, target } = *within;
            Kind::Within(Box::new(Within { value: bare(value), tolerance: bare(tolerance), target: bare(target) }))
        }
    };
    expression
}

fn unplaced(reference: Reference) -> Reference {
    let word = |word: Word| Word { span: 0..0, ..word };
    Reference {
        pipeline: word(reference.pipeline),
        variant: reference.variant.map(word),
        metric: word(reference.metric),
        point: reference.point.map(word),
        aggregate: reference.aggregate.map(word),
        place: reference.place.map(|(place, _)| (place, 0..0)),
    }
}

#[test]
fn what_binds_more_is_within_and_equals_group_to_the_left() {
    let grouped = |one: &str, other: &str| assert_eq!(bare(read(one)), bare(read(other)), "{one}");
    grouped("a.x - b.x - c.x * 2 >= -0.3 + 1", "((a.x - b.x) - (c.x * 2)) >= ((-0.3) + 1)");
    grouped("a.x > 1 or b.x > 1 and c.x > 1 or d.x > 1", "(a.x > 1 or (b.x > 1 and c.x > 1)) or d.x > 1");
    grouped("a.x + 1 within 2 * 3 of b.x - 1", "(a.x + 1) within (2 * 3) of (b.x - 1)");
    grouped("-a.x / 2 > 0", "(-a.x) / 2 > 0");
}

#[test]
fn a_name_may_hold_a_minus_begin_with_a_digit_or_be_a_word_of_the_language() {
    let names = |text: &str| read(text).references().iter().map(|r| r.pipeline.text.clone()).collect::<Vec<_>>();
    assert_eq!(names("edge-popup.test_accuracy@50%-0-1.level > 1"), ["edge-popup", "0-1"]);
    assert_eq!(names("1e-3.level - 1e-3 > 2-1"), ["1e-3"]);
    assert_eq!(names("and.level > 1 and within.level within 1 of of.level"), ["and", "within", "of"]);
    assert_eq!(names("imp.level@last-rate-0-1.level@level 3 > min.level"), ["imp", "rate-0-1", "min"]);
    assert_eq!(names("1-dense.test_accuracy > 0"), ["1-dense"]);
}

#[test]
fn a_variant_stands_in_brackets() {
    let expression = read("imp[model.width=0.5, seed=2].test_accuracy.min@3.6% < 2[x].level");
    let variants: Vec<_> = expression.references().iter().map(|r| r.variant.clone().unwrap().text).collect();
    assert_eq!(variants, ["model.width=0.5, seed=2", "x"]);
    assert_eq!(expression.to_string(), "imp[model.width=0.5, seed=2].test_accuracy.min@3.6% < 2[x].level");
}

#[test]
fn numbers_are_what_is_written() {
    let value = |text: &str| match read(&format!("{text} > a.x")).kind {
        Kind::Join(_, left, _) => match left.kind {
            Kind::Number(number) => number.value(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(["97.5%", "0.003", "1.2e-3", "30_000", "3E2"].map(value), [0.975, 0.003, 1.2e-3, 30000.0, 300.0]);
}

/// Pipelines of which only "a" measures something.
fn named<'a>(pipelines: &[&'a str]) -> Vec<Named<'a>> {
    const HEADINGS: [Heading; 2] =
        [Heading::number("barrier", "fraction"), Heading::series("best of s, new networks", "fraction", "s")];
    let headings = |name: &str| if name == "a" { HEADINGS.to_vec() } else { Vec::new() };
    pipelines.iter().map(|pipeline| Named { pipeline, headings: Some(headings(pipeline)) }).collect()
}

fn rung(pipeline: &'static str, level: u32, kept: usize) -> Rung<'static> {
    Rung { variant: "", pipeline, level, kept, prunable: 266_200, branch: 0 }
}

/// LeNet's ladder in part: 100, 21.07, 13.52, 8.68, 3.58 %.
fn ladder() -> Ladder<'static> {
    let imp = [(0, 266_200), (7, 56_094), (9, 35_981), (11, 23_093), (15, 9537)];
    let popup = [266_200 / 2, 133_000, 13_310];
    Ladder::new(imp.map(|(level, kept)| rung("imp", level, kept)).into_iter().chain(popup.map(|k| rung("popup", 0, k))))
}

fn found(reference: &str) -> Result<usize, Fault> {
    let expression = read(&format!("{reference} > 0"));
    ladder().find(expression.references()[0]).map(|rung| rung.kept)
}

#[test]
fn a_percentage_means_the_ticket_that_rounds_to_it_as_written() {
    for (place, kept) in [("13.5%", 35_981), ("13.52%", 35_981), ("14%", 35_981), ("3.6%", 9537), ("100%", 266_200)] {
        assert_eq!(found(&format!("imp.test_accuracy@{place}")), Ok(kept), "{place}");
    }
    // 56,094 of 266,200 are 21.0721%: neither 21.0 nor 22.
    for (place, near) in [("21.0%", "21.1%"), ("22%", "21.1%"), ("13.50%", "13.5%"), ("99.99999999999999999%", "100%")]
    {
        let fault = found(&format!("imp.test_accuracy@{place}")).unwrap_err();
        assert!(fault.hint.unwrap().text.starts_with(&format!("did you mean `{near}`?")), "{place}");
    }
}

#[test]
fn several_tickets_at_a_place_are_none() {
    let fault = found("popup.test_accuracy@50%").unwrap_err();
    assert_eq!(fault.message, "2 tickets of `popup` are at 50%");
    assert_eq!(fault.hint.unwrap().text, "say which: 50.00%, 49.96%");
    assert_eq!(found("popup.test_accuracy@50.00%"), Ok(133_100));
    assert!(found("popup.test_accuracy@level 0").unwrap_err().message.starts_with("3 tickets"));
    assert!(found("imp.test_accuracy").unwrap_err().hint.unwrap().text.contains("@13.5%"));
}

#[test]
fn levels_and_ends_of_a_ladder_are_places() {
    assert_eq!(found("imp.test_accuracy@level 9"), Ok(35_981));
    assert_eq!((found("imp.test_accuracy@first"), found("imp.test_accuracy@last")), (Ok(266_200), Ok(9537)));
    let fault = found("imp.test_accuracy@level 10").unwrap_err();
    assert!(fault.hint.unwrap().text.starts_with("did you mean `level 9`? its tickets: level 0, level 7, level 9"));
}

#[test]
fn of_branches_that_keep_equally_many_weights_none_is_meant() {
    let of = |branch| Rung { branch, ..rung("both", 1, 26_620) };
    let both = Ladder::new([rung("both", 0, 266_200), of(0), of(1)]);
    let find = |text: &str| both.find(read(&format!("{text} > 0")).references()[0]).map_err(|fault| fault.message);
    assert_eq!(find("both.level@first").map(|rung| rung.kept), Ok(266_200));
    for place in ["level 1", "10%", "last"] {
        let message = find(&format!("both.level@{place}")).unwrap_err();
        assert!(message.starts_with("branches of `both` keep equally many weights at "), "{message}");
    }
}

#[test]
fn a_variant_must_be_named_where_there_are_several_and_only_there() {
    let of = |variant| Rung { variant, ..rung("imp", 0, 266_200) };
    let sweep = Ladder::new(["width=1", "width=2"].map(of));
    let find = |text: &str, ladder: &Ladder<'static>| {
        ladder
            .find(read(&format!("{text} > 0")).references()[0])
            .map(|rung| rung.variant)
            .map_err(|fault| fault.message)
    };
    assert_eq!(find("imp[width=2].level", &sweep), Ok("width=2"));
    assert!(find("imp.level", &sweep).unwrap_err().contains("2 variants"));
    assert!(find("imp[width=3].level", &sweep).unwrap_err().contains("no variant is named"));
    assert!(find("imp[width=2].level@last", &ladder()).unwrap_err().contains("no variants"));
}

#[test]
fn a_difference_of_accuracies_goes_with_accuracies_and_nothing_with_iterations() {
    let faults = |text: &str| check(&read(text), &named(&["a", "b"])).len();
    for sound in [
        "a.test_accuracy - b.validation_accuracy >= -0.3%",
        "a.test_accuracy >= b.test_accuracy - (a.test_accuracy - b.test_accuracy) / 2",
        "a.early_stop_iteration / b.early_stop_iteration <= 0.85 and a.early_stop_iteration < 30_000",
        "max(a.test_accuracy, b.test_accuracy) within 0.5% of 1 - 2%",
        "a.test_accuracy.std < 0.2% or a.test_accuracy.n > 4",
        "a.barrier.max@level 3 < 2% and a.barrier@last < a.test_accuracy",
        "a.best_of_s_new_networks[100] > 0.5",
    ] {
        assert_eq!(faults(sound), 0, "{sound}");
    }
    for wrong in [
        "a.test_accuracy + b.early_stop_iteration > 0",
        "a.validation_loss < b.validation_accuracy",
        "a.seconds within a.level of b.seconds",
        "a.test_accuracy",
        "a.test_accuracy and b.test_accuracy > 0.5",
        "min(a.test_accuracy > 0.5, 1) > 0",
        "a.test_accuracy >= 97",
        "a.barrier < a.level",
        "a.barrier[100] < 2%",
        "a.level[100] < 2",
        "a.best_of_s_new_networks > 0.5",
        "b.barrier < 2%",
    ] {
        assert!(faults(wrong) > 0, "{wrong}");
    }
}

/// Any text of the language's pieces, and noise.
fn noise() -> impl Strategy<Value = String> {
    const PIECES: [&str; 26] = [
        "imp",
        "edge-popup",
        "0-1",
        ".",
        ".test_accuracy",
        "@",
        "@13.5%",
        "@level ",
        "@last",
        "(",
        ")",
        "min(",
        "abs(",
        ",",
        "+",
        "-",
        " - ",
        "*",
        "/",
        " and ",
        " or ",
        " within ",
        " of ",
        " >= ",
        "<",
        "%",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_string),
        2 => "[0-9]{1,4}",
        1 => ".{0,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn word(text: String) -> Word {
    Word { text, span: 0..0 }
}

fn reference() -> impl Strategy<Value = Expression> {
    let place = prop_oneof![
        "[0-9]{1,3}(\\.[0-9]{1,3})?".prop_map(Place::Percent),
        any::<u32>().prop_map(Place::Level),
        Just(Place::First),
        Just(Place::Last),
    ];
    let names = ("[a-z0-9][a-z0-9_-]{0,6}", prop::option::of("[a-z0-9.=]{1,5}"), "[a-z][a-z0-9_]{0,6}");
    let point = prop::option::of("[a-z0-9.]{1,4}");
    (names, point, prop::option::of("[a-z]{1,3}"), prop::option::of(place)).prop_map(
        |((pipeline, variant, metric), point, aggregate, place)| {
            let reference = Reference {
                pipeline: word(pipeline),
                variant: variant.map(word),
                metric: word(metric),
                point: point.map(word),
                aggregate: aggregate.map(word),
                place: place.map(|place| (place, 0..0)),
            };
            Expression { kind: Kind::Result(Box::new(reference)), span: 0..0 }
        },
    )
}

fn tree() -> impl Strategy<Value = Expression> {
    let at = |kind| Expression { kind, span: 0..0 };
    let number = ("[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-9]{1,2})?", any::<bool>());
    let leaf =
        prop_oneof![reference(), number.prop_map(move |(text, percent)| at(Kind::Number(Number { text, percent }))),];
    leaf.prop_recursive(5, 40, 3, move |inner| {
        use Operator::*;
        let two = || (inner.clone(), inner.clone());
        let operators = vec![Or, And, Less, AtMost, More, AtLeast, Plus, Minus, Times, Over];
        let pair = |(a, b): (Expression, Expression)| vec![a, b];
        prop_oneof![
            (prop::sample::select(operators), two()).prop_map(move |(operator, (a, b))| at(Kind::Join(
                operator,
                Box::new(a),
                Box::new(b)
            ))),
            inner.clone().prop_map(move |a| at(Kind::Negative(Box::new(a)))),
            inner.clone().prop_map(move |a| at(Kind::Call(Function::Abs, vec![a]))),
            (prop::sample::select(vec![Function::Min, Function::Max]), two().prop_map(pair))
                .prop_map(move |(function, arguments)| at(Kind::Call(function, arguments))),
            (two(), inner.clone()).prop_map(move |((value, tolerance), target)| {
                at(Kind::Within(Box::new(Within { value, tolerance, target })))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_fault_has_its_place(text in noise()) {
        match parse(&text) {
            Err(faults) => for fault in faults {
                prop_assert!(text.get(fault.span.clone()).is_some(), "{text:?}: {fault:?}");
            },
            Ok(expression) => {
                check(&expression, &named(&["imp"]));
                expression.references().into_iter().for_each(|reference| drop(ladder().find(reference)));
            }
        }
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same_tree(tree in tree()) {
        let text = tree.to_string();
        let read = parse(&text);
        prop_assert_eq!(read.map(bare), Ok(tree), "{}", text);
    }
}

#[test]
fn an_endless_expression_is_an_error() {
    for text in ["(".repeat(1999), "-".repeat(1999), "1+".repeat(5000), "abs(".repeat(400), "x.y@level 9".repeat(180)] {
        assert!(parse(&text).is_err());
    }
    let long = format!("{}a.x > 0", "1+".repeat(990));
    assert_eq!(check(&read(&long), &named(&["a"])).len(), 1);
}

#[test]
fn a_name_in_brackets_is_one_line_of_characters_that_can_be_seen() {
    for name in ["a\0b", "a\nb", "a\u{1b}[2J", "a\u{202e}b"] {
        let faults = parse(&format!("imp[{name}].test_accuracy > 0")).unwrap_err();
        assert_eq!(faults[0].message, "no variant has such a name", "{name:?}");
    }
}

#[test]
fn what_can_be_read_can_be_printed_and_read_again_however_tight_it_was_written() {
    let tight = format!("a.x{}>0", "-a.x".repeat(498));
    assert!(tight.len() < 2000);
    let printed = read(&tight).to_string();
    assert!(printed.len() > 2000 && read(&printed).to_string() == printed);
}
