//! A rerun that holds, all of it or a part, and what is said of it.

use super::*;

#[test]
fn a_rerun_passes_and_its_verdict_is_in_the_report() {
    let folder = locked();
    let folder = folder.path();
    let (code, out, said) = tombola(folder, "verify small");
    assert!(
        code == 0 && out.contains("\nPASS: small: what was run again is as locked; all 24 tickets run again (24 PASS)"),
        "{out}{said}"
    );
    let (_, page, _) = tombola(folder, "report --from-records reports/small");
    assert!(page.contains("reports/small/index.html"), "{page}");
    let page = fs::read_to_string(folder.join("reports/small/index.html")).unwrap();
    assert!(page.contains("<strong>PASS</strong>") && page.contains("24 of 24 tickets run again"));
    let markdown = fs::read_to_string(folder.join("reports/small/report.md")).unwrap();
    assert!(markdown.contains("## Verification\n\n**PASS**: "), "{markdown}");
    // Of other results it says nothing.
    run(folder, "--replicates 1");
    assert!(!fs::read_to_string(folder.join("reports/small/report.md")).unwrap().contains("## Verification"));
}

#[test]
fn a_verdict_that_cannot_be_put_beside_the_report_is_said_all_the_same() {
    let folder = locked();
    let folder = folder.path();
    fs::create_dir(folder.join("reports/small/verification.json")).unwrap();
    let (code, out, said) = tombola(folder, "verify small --pipelines dense --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["verdict"]), (0, &"pass".into()));
    assert!(said.contains("warning: the verdict is not put beside the report: "), "{said}");
}

#[test]
fn a_verdict_of_fewer_tickets_takes_no_other_s_place_unless_it_is_a_fail() {
    let folder = locked();
    let folder = folder.path();
    let written = || -> usize {
        let text = fs::read_to_string(folder.join("reports/small/verification.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let tickets = json["tickets"].as_array().unwrap();
        tickets.iter().filter(|ticket| ticket["verdict"] != "not-run").count()
    };
    tombola(folder, "verify small");
    let (code, _, said) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 0 && written() == 24, "{said}");
    assert!(
        said.contains("stays as it is: that verification of the same results ran 24 tickets again, and this one 6."),
        "{said}"
    );
    edit(folder, "reports/small/results.csv", "dense", "denser");
    let (code, _, said) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 1 && written() == 6, "{said}");
}

#[test]
fn a_sample_runs_part_of_it_and_says_what_it_did_not_run() {
    let folder = locked();
    let folder = folder.path();
    let (code, out, _) = tombola(folder, "verify small --pipelines dense --replicates 1 --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["verdict"]), (0, &"pass".into()));
    let ran = |json: &serde_json::Value| -> Vec<String> {
        let tickets = json["tickets"].as_array().unwrap().iter();
        tickets.filter(|t| t["verdict"] != "not-run").map(|t| t["ticket"].as_str().unwrap().to_string()).collect()
    };
    // Level 0 of the others is the same step.
    assert_eq!(
        ran(&json),
        ["dense level 0 (100%), replicate 1", "imp level 0 (100%), replicate 1", "late level 0 (100%), replicate 1"]
    );
    fs::remove_dir_all(folder.join("runs/verify")).unwrap();
    let (code, out, said) = tombola(folder, "verify small --sample 5 --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let (seed, of) = (json["sample_seed"].as_u64().unwrap(), ran);
    let ran = of(&json);
    assert!(said.contains(&format!("`--sample-seed {seed}` takes the same again")), "{said}");
    let (_, out, _) = tombola(folder, &format!("verify small --sample 5 --sample-seed {seed} --json"));
    assert_eq!(of(&serde_json::from_str(&out).unwrap()), ran);
    assert!(code == 0 && (5..24).contains(&ran.len()), "{ran:?} {said}");
    for pipeline in ["dense", "imp", "late", "reinitialise", "edge-popup"] {
        assert!(ran.iter().any(|ticket| ticket.starts_with(pipeline)), "{pipeline}: {ran:?}");
    }
    let (code, _, said) = tombola(folder, "verify small --pipelines imps");
    assert!(code == 2 && said.contains("no pipeline \"imps\"") && said.contains("dense, edge-popup, imp"), "{said}");
    let (code, _, said) = tombola(folder, "verify small --replicates 2");
    assert!(code == 2 && said.contains("no replicate 2") && said.contains("2 replicates, counted from 0"), "{said}");
}

#[test]
fn what_an_earlier_verification_found_is_told_from_what_was_run_again() {
    let folder = locked();
    let folder = folder.path();
    let (code, out, _) = tombola(folder, "verify small --pipelines imp,edge-popup");
    assert!(code == 0 && out.contains(" tickets run again ("), "{out}");
    let (code, out, said) = tombola(folder, "verify small");
    let reused = "all 24 tickets, 8 run again, 16 as an earlier verification found them in runs/verify/small (24 PASS)";
    assert!(code == 0 && out.contains(reused) && said.contains("`--anew` runs them again"), "{out}{said}");
    let (_, out, _) = tombola(folder, "verify small --json");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["reused"], 24);
    // Whoever filled it: what is wrong there is found by running it again.
    let (code, out, said) = tombola(folder, "verify small --anew");
    assert!(
        code == 0 && out.contains("all 24 tickets run again (24 PASS)") && !said.contains("earlier"),
        "{out}{said}"
    );
}

#[test]
fn a_step_that_this_machine_could_not_do_is_no_failure_of_the_lock() {
    let folder = locked();
    let folder = folder.path();
    let text = lock(folder);
    let dense = text.lines().find(|line| line.contains("pipeline = \"dense\", replicate = 0")).unwrap();
    let step = dense.split_once("step = \"").unwrap().1;
    // Where its step is to lie there is a file.
    let steps = folder.join("runs/verify/small/steps");
    fs::create_dir_all(&steps).unwrap();
    fs::write(steps.join(&step[..2]), "").unwrap();
    let (code, out, said) = tombola(folder, "verify small --pipelines dense");
    assert!(code == 1 && !out.contains("FAIL"), "{out}{said}");
    assert!(out.contains("NOT RUN           dense level 0 (100%), replicate 0: "), "{out}");
    assert!(out.contains("\nNOT RUN: small: a step crashed, or this machine did not suffice"), "{out}");
    assert!(!folder.join("reports/small/verification.json").exists());
}

#[test]
fn a_time_budget_ends_it_and_what_has_not_run_is_not_judged() {
    let folder = locked();
    let (code, out, said) = tombola(folder.path(), "verify small --time-budget 1ms");
    assert!(code == 1 && out.contains("NOT RUN: small: nothing was run again"), "{out}{said}");
    let (code, out, said) = tombola(folder.path(), "verify small --time-budget 1h");
    assert!(code == 0 && out.contains("(24 PASS)"), "{out}{said}");
}
