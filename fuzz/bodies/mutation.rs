//! Changes of a spec's text as a person might make them: lines that go, come, are doubled or change places, values and
//! names that are put in the place of others.

/// What values are put in the place of others.
const VALUES: [&str; 44] = [
    "0",
    "1",
    "-1",
    "3",
    "1000",
    "1001",
    "99999999999",
    "9223372036854775807",
    "9223372036854775808",
    "1e308",
    "1e-320",
    "1e999",
    "nan",
    "-0.0",
    "0.5",
    "1.0000001",
    "0.000000000000000000001",
    "true",
    "\"\"",
    "\"0it\"",
    "\"1it\"",
    "\"1000000000ep\"",
    "\"99999999999999it\"",
    "\"{classes}\"",
    "\"{levels}\"",
    "\"a\\u001b[2Jb\"",
    "\"\u{202e}x\"",
    "'='",
    "[]",
    "[[]]",
    "[1, 2, 3]",
    "[0.5, 0.25]",
    "{}",
    "{ use = \"sgd\", learning_rate = 0.1 }",
    "{ linear = 0.2, output = 0.1 }",
    "\"imp\"",
    "\"dense\"",
    "\"conv-2\"",
    "\"zeros\"",
    "\"random\"",
    "\"base.toml\"",
    "[{ init = {} }, { train = {} }]",
    "[{ flatten = {} }, { linear = { units = \"{classes}\" } }]",
    "{ times = 1000, layers = [{ relu = {} }] }",
];

/// Lines that are put between others.
const LINES: [&str; 26] = [
    "extends = \"quickstart\"",
    "extends = \"base.toml\"",
    "--- base.toml",
    "--- more.toml",
    "--- models/own.toml",
    "--- pipelines/own.toml",
    "--- set",
    "--- link more.toml",
    "[vary]",
    "[[variant]]",
    "model.width = [0.5, 1.0]",
    "seed = [1, 2]",
    "[model]",
    "use = \"own\"",
    "[pipeline.a]",
    "each = \"imp\"",
    "[[stage]]",
    "[[prediction]]",
    "stage.train.length = \"7it\"",
    "layer.fc1.units = 3",
    "repeat = { times = 3, stages = [{ train = {} }] }",
    "foreach = { value = \"k\", in = [1, 2], stages = [{ train = {} }] }",
    "replicates = 10000",
    "levels = 3",
    "[parameters]",
    "width = { default = 1.0 }",
];

/// The text with one to four changes, the same for the same seed.
pub fn changed(text: &[u8], seed: u32) -> Vec<u8> {
    let mut dice = Dice(u64::from(seed) << 1 | 1);
    let mut lines: Vec<String> = String::from_utf8_lossy(text).lines().map(str::to_string).collect();
    for _ in 0..=dice.below(4) {
        change(&mut lines, &mut dice);
    }
    lines.join("\n").into_bytes()
}

fn change(lines: &mut Vec<String>, dice: &mut Dice) {
    if lines.is_empty() {
        return lines.push(LINES[dice.below(LINES.len())].into());
    }
    let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[other].clone()),
        2 => lines.swap(at, other),
        3 => lines.insert(at, LINES[dice.below(LINES.len())].into()),
        4 | 5 => set(&mut lines[at], VALUES[dice.below(VALUES.len())]),
        6 => {
            let value = lines[other].split_once('=').map_or(String::new(), |(_, value)| value.trim().into());
            set(&mut lines[at], &value);
        }
        _ => {
            let key = lines[other].split('=').next().unwrap_or_default().trim().to_string();
            let value = lines[at].split_once('=').map_or(String::new(), |(_, value)| value.into());
            lines[at] = format!("{key} ={value}");
        }
    }
}

/// Puts a value behind a line's `=`, the last one now and then: that of an inline table.
fn set(line: &mut String, value: &str) {
    let inner = line.rfind('=').filter(|_| value.len().is_multiple_of(2));
    if let Some(at) = inner.or_else(|| line.find('=')) {
        let end = line[at..].find([',', '}']).filter(|_| inner.is_some()).map_or(line.len(), |end| at + end);
        line.replace_range(at + 1..end, &format!(" {value} "));
    }
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }
}
