//! Numbers, lines and tables as a terminal shows them.

use console::measure_text_width;

/// How wide lines may be.
#[derive(Clone, Copy, Debug)]
pub struct Width {
    /// Of a terminal; a pipe takes lines of any length.
    pub terminal: Option<usize>,
}

impl Width {
    pub fn of_stdout() -> Width {
        let term = console::Term::stdout();
        Width {
            terminal: term.size_checked().filter(|_| term.is_term()).map(|(_, columns)| usize::from(columns).max(20)),
        }
    }

    /// For tables: those of a pipe are for reading, too.
    pub fn columns(self) -> usize {
        self.terminal.unwrap_or(80)
    }

    /// Lines of words after a beginning, under which they go on; `rest` begins the lines that follow.
    pub fn wrapped(self, beginning: &str, rest: &str, words: &str) -> String {
        let Some(columns) = self.terminal else { return format!("{beginning}{words}\n") };
        let mut lines = vec![beginning.to_string()];
        let mut fresh = true;
        for word in words.split(' ') {
            let width = lines.last().map_or(0, |line| measure_text_width(line)) + measure_text_width(word);
            if !fresh && width + 1 > columns {
                lines.push(rest.to_string());
                fresh = true;
            }
            if let Some(line) = lines.last_mut() {
                *line += if fresh { "" } else { " " };
                *line += word;
            }
            fresh = false;
        }
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// "266,200".
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let begins = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits.char_indices().flat_map(|(at, digit)| begins(at).then_some(',').into_iter().chain([digit])).collect()
}

/// "1 h 20 min", "45 s", "0.3 s".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..=9 => format!("{seconds:.1} s"),
        10..=99 => format!("{whole} s"),
        100..=5_999 => format!("{} min", (seconds / 60.0).round()),
        6_000..=172_799 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// A table of a column of names and columns of figures, in as many pieces, one under the other, as the width takes.
pub struct Table {
    /// The names' heading, and the names.
    pub names: Vec<String>,
    /// Each column's heading, and its figures.
    pub columns: Vec<Vec<String>>,
}

impl Table {
    /// Its lines, each after `indent`; `limit` is how many pieces are shown, and what is left out is counted.
    pub fn lines(&self, indent: &str, width: usize, limit: usize) -> (String, usize) {
        let names = widest(&self.names);
        let room = width.saturating_sub(indent.len() + names);
        let mut pieces: Vec<Vec<&Vec<String>>> = vec![Vec::new()];
        let mut used = 0;
        for column in &self.columns {
            let needs = widest(column) + 2;
            let full = used + needs > room && pieces.last().is_some_and(|piece| !piece.is_empty());
            if full {
                pieces.push(Vec::new());
                used = 0;
            }
            used += needs;
            pieces.iter_mut().last().into_iter().for_each(|piece| piece.push(column));
        }
        let left_out = pieces.iter().skip(limit).map(Vec::len).sum();
        let text = pieces.iter().take(limit).map(|piece| self.piece(indent, names, piece)).collect::<Vec<_>>();
        (text.join("\n"), left_out)
    }

    fn piece(&self, indent: &str, names: usize, columns: &[&Vec<String>]) -> String {
        let line = |(row, name): (usize, &String)| {
            let padded = |text: &str, width: usize| " ".repeat(width.saturating_sub(measure_text_width(text)));
            let mut line = format!("{indent}{name}{}", padded(name, names));
            for column in columns {
                let figure = column.get(row).map_or("", String::as_str);
                line += &format!("  {}{figure}", padded(figure, widest(column)));
            }
            format!("{}\n", line.trim_end())
        };
        self.names.iter().enumerate().map(line).collect()
    }
}

fn widest(cells: &[String]) -> usize {
    cells.iter().map(|cell| measure_text_width(cell)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_for_people() {
        assert_eq!([0, 999, 1000, 4_300_992].map(thousands), ["0", "999", "1,000", "4,300,992"]);
        let told = [0.26, 9.4, 9.96, 45.0, 150.0, 5_000.0, 7_325.0, 200_000.0].map(duration);
        assert_eq!(told, ["0.3 s", "9.4 s", "10 s", "45 s", "3 min", "83 min", "2 h 2 min", "2.3 days"]);
    }

    #[test]
    fn words_go_on_under_their_beginning_and_a_pipe_takes_them_whole() {
        let narrow = Width { terminal: Some(20) };
        assert_eq!(narrow.wrapped("└─ a: ", "      ", "one two three four"), "└─ a: one two three\n      four\n");
        let longest = "a-word-that-fits-no-line";
        assert_eq!(narrow.wrapped("x ", "  ", longest), format!("x {longest}\n"));
        assert_eq!(Width { terminal: None }.wrapped("└─ ", "", &"word ".repeat(50)).lines().count(), 1);
    }

    #[test]
    fn a_wide_table_is_cut_into_pieces_that_each_have_the_names() {
        let column = |heading: &str| vec![heading.to_string(), "1,000".into()];
        let names = vec!["level".to_string(), "fc1.weight".into()];
        let table = Table { names, columns: ["0", "1", "2"].map(column).to_vec() };
        let (text, left_out) = table.lines("", 80, 9);
        assert_eq!(
            (text.as_str(), left_out),
            ("level           0      1      2\nfc1.weight  1,000  1,000  1,000\n", 0)
        );
        let (text, left_out) = table.lines("", 26, 1);
        assert_eq!((text.as_str(), left_out), ("level           0      1\nfc1.weight  1,000  1,000\n", 1));
        assert_eq!(table.lines("", 26, 9).0.matches("fc1.weight").count(), 2);
    }
}
