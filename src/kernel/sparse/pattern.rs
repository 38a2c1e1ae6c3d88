//! Which weights are kept, sorted by what they are summed into.

/// One kept weight's part in a result row.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Where the weight is in the list of values.
    pub value: u32,
    /// Where the source row begins, in units that the kernel knows.
    pub source: u32,
}

/// A term whose weight is known.
#[derive(Clone, Copy, Debug)]
pub struct Weighted {
    pub weight: f32,
    pub source: u32,
}

/// For each result row, its terms in the order of the values.
#[derive(Clone, Debug)]
pub struct Pattern {
    starts: Vec<u32>,
    terms: Vec<Term>,
    sources: usize,
}

impl Pattern {
    /// `kept` gives (result row, source) of each value in turn.
    pub fn new(rows: usize, kept: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; rows + 1];
        for (row, _) in kept.clone() {
            starts[row + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut terms = vec![Term { value: 0, source: 0 }; starts[rows] as usize];
        for (value, (row, source)) in kept.enumerate() {
            terms[next[row] as usize] = Term { value: index(value), source: index(source) };
            next[row] += 1;
        }
        let sources = terms.iter().map(|term| term.source as usize + 1).max().unwrap_or(0);
        Self { starts, terms, sources }
    }

    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many values there are.
    pub fn kept(&self) -> usize {
        self.terms.len()
    }

    #[inline(always)]
    pub fn row(&self, row: usize) -> &[Term] {
        &self.terms[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// The row's terms with their weights, out of [`Self::weighted`].
    #[inline(always)]
    pub fn part<'a>(&self, weighted: &'a [Weighted], row: usize) -> &'a [Weighted] {
        &weighted[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// All terms, row by row, with their weights beside them: worth a pass where they are used many times.
    pub fn weighted(&self, values: &[f32]) -> Vec<Weighted> {
        assert_eq!(values.len(), self.kept());
        self.terms.iter().map(|term| Weighted { weight: values[term.value as usize], source: term.source }).collect()
    }

    /// One past the largest source.
    pub fn sources(&self) -> usize {
        self.sources
    }
}

/// Four bytes for an index halve what a kernel reads beside the numbers.
pub fn index(at: usize) -> u32 {
    u32::try_from(at).expect("a tensor of fewer than 2^32 numbers")
}
