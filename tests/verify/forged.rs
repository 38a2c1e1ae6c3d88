//! What was tampered with, in the lock or in the report, is found and named.

use super::*;

#[test]
fn a_tampered_figure_and_a_swapped_mask_are_each_named() {
    let folder = locked();
    let folder = folder.path();
    let text = lock(folder);
    let of = |start: &str| text.lines().find(|line| line.trim_start().starts_with(start)).unwrap().to_string();
    let imp = of("{ pipeline = \"imp\", replicate = 1, level = 2");
    let figure = |line: &str, name: &str| {
        line.split_once(&format!("{name} = ")).unwrap().1.split([',', ' ']).next().unwrap().to_string()
    };
    let accuracy = figure(&imp, "test_accuracy");
    let tampered = imp.replacen(&format!("test_accuracy = {accuracy}"), "test_accuracy = 0.999", 1);
    // Masks of two steps change places: of imp's levels 1 and 3 in replicate 0.
    let masks = |level: u32| {
        let line = of(&format!("{{ pipeline = \"imp\", replicate = 0, level = {level}"));
        let step = figure(&line, "step").trim_matches('"').to_string();
        figure(&of(&step), "masks").trim_matches('"').to_string()
    };
    let (one, three) = (masks(1), masks(3));
    let swapped = text.replace(&one, "ONE").replace(&three, &one).replace("ONE", &three);
    fs::write(folder.join("small/experiment.lock"), swapped.replace(&imp, &tampered)).unwrap();
    let (code, out, _) = tombola(folder, "verify small");
    assert_eq!(code, 1, "{out}");
    let line = |ticket: &str| {
        let begins = format!("{:<18}{ticket}:", "FAIL");
        out.lines().find(|line| line.starts_with(&begins)).unwrap_or_default()
    };
    assert!(
        line("imp level 2 (64%), replicate 1").contains(&format!("test accuracy {accuracy} instead of 0.999")),
        "{out}"
    );
    assert!(line("imp level 1 (80%), replicate 0").ends_with(": masks differ"), "{out}");
    // The report, too, says something else than such a lock.
    assert!(out.contains(&format!("test accuracy {accuracy} instead of 0.999 in experiment.lock")), "{out}");
}

#[test]
fn a_step_on_the_way_to_a_ticket_that_left_something_else_is_named() {
    let folder = locked();
    let folder = folder.path();
    let text = lock(folder);
    let prune = text.lines().find(|line| line.contains("stage = \"prune-1\"")).unwrap();
    let masks = prune.split_once("masks = \"").unwrap().1.split('"').next().unwrap();
    fs::write(folder.join("small/experiment.lock"), text.replace(prune, &prune.replace(masks, &"0".repeat(32))))
        .unwrap();
    let (code, out, _) = tombola(folder, "verify small");
    assert!(code == 1 && out.contains("(prune-1) left before it differs"), "{out}");
}

#[test]
fn a_report_s_row_that_the_lock_has_not_is_named() {
    let folder = locked();
    let folder = folder.path();
    let path = folder.join("reports/small/records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let rows = text.lines().count() - 1;
    let row = text.lines().find(|line| line.contains("\"pipeline\":\"dense\"")).unwrap();
    let more = text.replacen(&format!("\"rows\":{rows}"), &format!("\"rows\":{}", rows + 1), 1);
    fs::write(&path, more + &row.replacen("\"level\":0", "\"level\":9", 1) + "\n").unwrap();
    let (code, out, _) = tombola(folder, "verify small --pipelines dense");
    assert!(
        code == 1 && out.contains("dense level 9 (100%), replicate 0 is there and not in experiment.lock"),
        "{out}"
    );
}

#[test]
fn a_report_that_was_tampered_with_is_named() {
    let folder = locked();
    let folder = folder.path();
    let table = fs::read_to_string(folder.join("reports/small/results.csv")).unwrap();
    let row = table.lines().nth(3).unwrap();
    let column = row.split(',').nth(11).unwrap();
    edit(folder, "reports/small/results.csv", row, &row.replacen(column, "0.999000", 1));
    let (code, out, _) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 1 && out.contains("results.csv: line 4: not what records.jsonl say"), "{out}");
}

#[test]
fn what_a_report_says_besides_its_figures_is_looked_at_too() {
    let folder = locked();
    let folder = folder.path();
    let records = "reports/small/records.jsonl";
    let whole = fs::read_to_string(folder.join(records)).unwrap();
    let verify = || tombola(folder, "verify small --pipelines dense");
    let dense = whole.lines().find(|line| line.contains("\"pipeline\":\"dense\"")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(dense.contains(from), "{from}: {dense}");
        fs::write(folder.join(records), whole.replacen(dense, &dense.replacen(from, to, 1), 1)).unwrap();
    };
    // A record of another device among those of the lock's makes the rest no less comparable.
    let device = dense.split_once("\"device\":\"").unwrap().1.split('"').next().unwrap();
    with(device, "abacus");
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("a record says that it is of another device kind (\"abacus\")"), "{out}{said}");
    fs::write(folder.join(records), whole.replace(device, "abacus")).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("another device kind (\"abacus\")"), "steps are the lock's: {out}{said}");
    // Curves are in no lock.
    let loss = dense.split_once("\"train_loss\":[null,").unwrap().1.split([',', ']']).next().unwrap();
    with(&format!("\"train_loss\":[null,{loss}"), "\"train_loss\":[null,0.99");
    let (code, out, said) = verify();
    assert!(
        code == 1 && out.contains("dense level 0 (100%), replicate 0: its training is not what was found again"),
        "{out}{said}"
    );
    fs::write(folder.join(records), whole.replacen("A tiny experiment", "A great experiment", 1)).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("records.jsonl: its title is not the spec's"), "{out}{said}");
    fs::write(folder.join(records), &whole).unwrap();
    // Tables are what records give.
    let table = fs::read_dir(folder.join("reports/small/figures")).unwrap().map(|entry| entry.unwrap().path());
    let table = table.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).min().unwrap();
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replacen("dense", "sparse", 1)).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains(".csv: line 2: not what records.jsonl say"), "{out}{said}");
    fs::write(&table, text).unwrap();
    // A page may be another version's.
    edit(folder, "reports/small/report.md", "tiny", "great");
    let (code, out, said) = verify();
    assert!(code == 0 && said.contains("report.md: not what its records give with this version"), "{out}{said}");
    fs::remove_file(folder.join(records)).unwrap();
    let (code, out, said) = verify();
    assert!(code == 1 && out.contains("results.csv: without records.jsonl nothing says"), "{out}{said}");
}
