//! What the shipped reports say, held to what the experiments' READMEs predicted.

use std::collections::BTreeMap;
use std::path::Path;

/// Of one pipeline at one level: the replicates' figures.
#[derive(Default)]
struct Cell {
    weights_remaining: f64,
    test: Vec<f64>,
    stop: Vec<f64>,
}

/// A committed results.csv by (pipeline, weights remaining in ‰).
struct Results(BTreeMap<(String, u32), Cell>);

impl Results {
    fn of(experiment: &str) -> Results {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(experiment).join("results.csv");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
        let mut cells: BTreeMap<_, Cell> = BTreeMap::new();
        for line in lines {
            let row: BTreeMap<&str, &str> = columns.iter().copied().zip(line.split(',')).collect();
            let number = |column: &str| row[column].parse::<f64>().unwrap();
            let remaining = number("weights_remaining");
            let cell = cells.entry((row["pipeline"].to_string(), (remaining * 1000.0).round() as u32)).or_default();
            cell.weights_remaining = remaining;
            cell.test.push(number("test_accuracy"));
            cell.stop.push(number("early_stop_iteration"));
        }
        assert!(cells.values().all(|cell| cell.test.len() == 3), "3 replicates of every ticket");
        Results(cells)
    }

    fn cell(&self, pipeline: &str, per_mille: u32) -> &Cell {
        self.0.get(&(pipeline.to_string(), per_mille)).unwrap_or_else(|| panic!("{pipeline} at {per_mille}‰"))
    }

    /// Mean test accuracy at early stop, in %.
    fn accuracy(&self, pipeline: &str, per_mille: u32) -> f64 {
        100.0 * mean(&self.cell(pipeline, per_mille).test)
    }

    fn stop(&self, pipeline: &str, per_mille: u32) -> f64 {
        mean(&self.cell(pipeline, per_mille).stop)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[track_caller]
fn at_least(what: &str, found: f64, gate: f64) {
    assert!(found >= gate, "{what}: {found:.3}, and the gate is {gate}");
}
