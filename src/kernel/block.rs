//! A block of a product: some rows of a panel of columns, tile by tile of sums that stay in registers.

use std::ops::Range;

use pulp::{MemMask, Simd, WithSimd};

use super::lanes::MOST;
use super::product::Product;
use super::simd;
use super::tasks::Shared;
use super::tile;

/// Vectors of columns in a block at most.
pub const VECTORS: usize = 2;
/// Depth that is summed before sums go back to memory: `right`'s part stays in the second-level cache.
const DEPTH: usize = 1024;

/// Rows and columns of a product's output, at most `VECTORS` vectors of columns.
pub struct Block<'a> {
    product: Product<'a>,
    rows: Range<usize>,
    columns: Range<usize>,
    out: Shared<'a>,
}

impl<'a> Block<'a> {
    /// # Safety
    /// The product's factors must hold what its dimensions say and `out` all of its rows and columns, and nobody else
    /// may touch these ones of `out` while the block is computed.
    pub unsafe fn new(product: Product<'a>, rows: Range<usize>, columns: Range<usize>, out: Shared<'a>) -> Block<'a> {
        Block { product, rows, columns, out }
    }
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.product.transposed {
            true => self.of_width::<S, true>(simd),
            false => self.of_width::<S, false>(simd),
        }
    }
}

impl Block<'_> {
    /// Sums, one vector each of the panel's and one of `left` fill the registers: 32 with AVX-512, else 16.
    #[inline(always)]
    fn of_width<S: Simd, const TURNED: bool>(&self, simd: S) {
        let columns = self.columns.len();
        match (S::F32_LANES >= 16, columns > S::F32_LANES, columns.is_multiple_of(S::F32_LANES)) {
            (true, true, true) => self.tiles::<S, 12, VECTORS, true, TURNED>(simd),
            (true, true, false) => self.tiles::<S, 12, VECTORS, false, TURNED>(simd),
            (true, false, _) => self.tiles::<S, 12, 1, false, TURNED>(simd),
            (false, true, true) => self.tiles::<S, 6, VECTORS, true, TURNED>(simd),
            (false, true, false) => self.tiles::<S, 6, VECTORS, false, TURNED>(simd),
            (false, false, _) => self.tiles::<S, 6, 1, false, TURNED>(simd),
        }
    }

    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const WIDTH: usize, const WHOLE: bool, const TURNED: bool>(&self, simd: S) {
        let edge = Edge::new(simd, self.columns.len());
        let tiles = Tiles::<S, ROWS, WIDTH, WHOLE, TURNED> { block: self, simd, edge };
        let (depth, Range { start, end }) = (self.product.depth, self.rows.clone());
        for from in (0..depth.max(1)).step_by(DEPTH) {
            let depth = from..(from + DEPTH).min(depth);
            if end - start < ROWS {
                let single = Tiles::<S, 1, WIDTH, WHOLE, TURNED> { block: self, simd, edge };
                (start..end).for_each(|row| single.tile(row, 0, &depth));
                continue;
            }
            for row in (start..end).step_by(ROWS) {
                // The last tile covers rows of the one before again, which it leaves as they are.
                let at = row.min(end - ROWS);
                tiles.tile(at, row - at, &depth);
            }
        }
    }
}

/// How a block's tiles are computed: `ROWS` rows of `WIDTH` vectors, which the columns fill where they are `WHOLE`, written
/// column by column where they are `TURNED`.
///
/// Every index of a tile's sums is known when this is compiled, and with rows as they lie no address of theirs is taken:
/// either would send all of them through memory.
struct Tiles<'a, S: Simd, const ROWS: usize, const WIDTH: usize, const WHOLE: bool, const TURNED: bool> {
    block: &'a Block<'a>,
    simd: S,
    edge: Edge<S>,
}

type Sums<S, const ROWS: usize, const WIDTH: usize> = [[<S as Simd>::f32s; WIDTH]; ROWS];

impl<S: Simd, const ROWS: usize, const WIDTH: usize, const WHOLE: bool, const TURNED: bool>
    Tiles<'_, S, ROWS, WIDTH, WHOLE, TURNED>
{
    /// One tile of `out`, from row `row` on, over a part of the depth. Rows before `fresh` are not written.
    #[inline(always)]
    fn tile(&self, row: usize, fresh: usize, depth: &Range<usize>) {
        let Product { left, left_row, left_step, right, columns, relu, .. } = self.block.product;
        let mut sums = [[self.simd.splat_f32s(0.0); WIDTH]; ROWS];
        self.begin(row, depth.start == 0, &mut sums);
        let a = left.as_ptr().wrapping_add(row * left_row + depth.start * left_step);
        let b = right.as_ptr().wrapping_add(depth.start * columns + self.block.columns.start);
        // SAFETY: `left` and `right` hold what the dimensions say.
        unsafe {
            tile::accumulate_by(
                self.simd,
                depth.len(),
                (a, left_row, left_step),
                (b, columns),
                #[inline(always)]
                |v, at| self.load(v, at),
                &mut sums,
            );
        }
        if relu && depth.end == self.block.product.depth {
            sums.iter_mut().flatten().for_each(|sum| *sum = simd::relu(self.simd, *sum));
        }
        match TURNED {
            true => self.end_turned(row, fresh, &sums),
            false => self.end(row, fresh, sums),
        }
    }

    /// The sums that a tile begins with: the bias, or what an earlier part of the depth left in `out`.
    #[inline(always)]
    fn begin(&self, row: usize, first: bool, sums: &mut Sums<S, ROWS, WIDTH>) {
        for (i, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                let column = self.block.columns.start + v * S::F32_LANES;
                // SAFETY: the bias has every column, and these rows and columns of `out` are this block's own.
                unsafe {
                    match (first, self.block.product.bias) {
                        (true, None) => {}
                        (true, Some(bias)) => *sum = self.load(v, bias.as_ptr().add(column)),
                        (false, _) if TURNED => *sum = self.gather(row + i, v),
                        (false, _) => *sum = self.load(v, self.place(row + i, v)),
                    }
                }
                if first && !TURNED {
                    // Where sums are soon complete, waiting for the lines that they are written to counts.
                    simd::prefetch_to_write(self.place(row + i, v));
                }
            }
        }
    }

    #[inline(always)]
    fn end(&self, row: usize, fresh: usize, sums: Sums<S, ROWS, WIDTH>) {
        for (i, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                if i >= fresh {
                    // SAFETY: these rows and columns are this block's own.
                    unsafe { self.store(v, self.place(row + i, v), sum) };
                }
            }
        }
    }

    /// Writes a tile column by column: the rows of a column are neighbours in `out`.
    #[inline(always)]
    fn end_turned(&self, row: usize, fresh: usize, sums: &Sums<S, ROWS, WIDTH>) {
        let mut lines = [[0.0; ROWS]; MOST];
        for v in 0..WIDTH {
            for (i, sums) in sums.iter().enumerate() {
                let mut values = [0.0; MOST];
                self.simd.partial_store_f32s(&mut values[..S::F32_LANES], sums[v]);
                lines.iter_mut().zip(values).for_each(|(line, value)| line[i] = value);
            }
            for (column, line) in self.columns(v).zip(&lines) {
                let place = column * self.block.product.rows + row + fresh;
                // SAFETY: these rows and columns are this block's own.
                unsafe { self.block.out.range(place, ROWS - fresh) }.copy_from_slice(&line[fresh..]);
            }
        }
    }

    /// A row's values of vector number `v`, from columns that lie one after the other.
    #[inline(always)]
    fn gather(&self, row: usize, v: usize) -> S::f32s {
        let mut values = [0.0; MOST];
        for (value, column) in values.iter_mut().zip(self.columns(v)) {
            // SAFETY: these rows and columns are this block's own.
            *value = unsafe { *self.block.out.place(column * self.block.product.rows + row) };
        }
        self.simd.partial_load_f32s(&values[..S::F32_LANES])
    }

    /// The columns of `out` that vector number `v` holds.
    #[inline(always)]
    fn columns(&self, v: usize) -> Range<usize> {
        let Range { start, end } = self.block.columns;
        let from = start + v * S::F32_LANES;
        from..end.min(from + S::F32_LANES)
    }

    /// Where vector number `v` of a row begins in `out`, rows as they lie.
    #[inline(always)]
    fn place(&self, row: usize, v: usize) -> *mut f32 {
        let Block { product, columns, out, .. } = self.block;
        out.place(row * product.columns + columns.start + v * S::F32_LANES)
    }

    /// # Safety
    /// The columns of vector number `v` must be readable at `at`.
    #[inline(always)]
    unsafe fn load(&self, v: usize, at: *const f32) -> S::f32s {
        // SAFETY: by the contract.
        unsafe {
            match WHOLE || v + 1 < WIDTH {
                true => simd::load(self.simd, at),
                false => self.simd.mask_load_ptr_f32s(self.edge.last, at),
            }
        }
    }

    /// # Safety
    /// The columns of vector number `v` must be writable at `at`.
    #[inline(always)]
    unsafe fn store(&self, v: usize, at: *mut f32, vector: S::f32s) {
        // SAFETY: by the contract.
        unsafe {
            match WHOLE || v + 1 < WIDTH {
                true => simd::store(self.simd, at, vector),
                false => self.simd.mask_store_ptr_f32s(self.edge.last, at, vector),
            }
        }
    }
}

/// Which lanes of a block's last vector hold columns.
#[derive(Clone, Copy)]
struct Edge<S: Simd> {
    last: MemMask<S::m32s>,
}

impl<S: Simd> Edge<S> {
    #[inline(always)]
    fn new(simd: S, columns: usize) -> Self {
        let filled = (columns - 1) % S::F32_LANES + 1;
        // A mask without the functions that come with it: calling one would send all sums through memory.
        Edge { last: MemMask::new(simd.mask_between_m32s(0, filled as u32).mask()) }
    }
}
