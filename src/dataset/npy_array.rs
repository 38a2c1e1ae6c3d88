//! One array of an .npy file: a header, which is a dictionary as Python writes it, and the elements.

/// What an .npy file holds. The header sizes nothing: it is held against the bytes that are there.
#[derive(Debug, PartialEq)]
pub struct Array<'a> {
    /// "u1", "i8", "f4": without the order of bytes.
    pub kind: &'a str,
    pub columns_first: bool,
    pub shape: Vec<usize>,
    pub elements: &'a [u8],
    big_endian: bool,
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a file of versions 1 to 3 of the format.
pub fn read(bytes: &[u8]) -> Result<Array<'_>, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is damaged, or not .npy: another magic number")?;
    let truncated = || format!("it is truncated: {} bytes are less than its header", bytes.len());
    let ([version, _], rest) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
    let (length, rest) = match version {
        1 => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest)),
        2 | 3 => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
        other => return Err(format!("version {other} of .npy, of which 1 to 3 are known")),
    }
    .ok_or_else(truncated)?;
    let (header, elements) = rest.split_at_checked(length).ok_or_else(truncated)?;
    let header = std::str::from_utf8(header).ok().and_then(Header::read);
    let Header { descr, columns_first, shape } =
        header.ok_or("a header that is not understood: save a plain array with numpy.save")?;
    let (big_endian, kind) = match descr.split_at_checked(1) {
        Some((">", kind)) => (true, kind),
        Some(("<" | "|" | "=", kind)) => (false, kind),
        _ => (false, descr),
    };
    let array = Array { kind, columns_first, shape, elements, big_endian };
    // Sizes of other kinds mean something else: "U5" has five characters, and objects are a pickle of any length.
    if !kind.starts_with(['b', 'i', 'u', 'f', 'c']) || !kind[1..].parse::<u8>().is_ok_and(|size| size <= 32) {
        let what = if kind == "O" { "Python's objects" } else { "no plain numbers" };
        return Err(format!(
            "it holds {what}, of type {kind:?}: save numbers, as `numpy.array(items, dtype=numpy.uint8)`"
        ));
    }
    let announced = array.shape.iter().fold(array.size() as u128, |all, side| all.saturating_mul(*side as u128));
    match announced == elements.len() as u128 {
        true => Ok(array),
        false => Err(format!(
            "{} bytes follow a header that announces {:?} of {kind:?}: {announced}",
            elements.len(),
            array.shape
        )),
    }
}

impl Array<'_> {
    /// Bytes of an element.
    fn size(&self) -> usize {
        self.kind.get(1..).and_then(|size| size.parse().ok()).unwrap_or(1)
    }

    /// The elements as whole numbers.
    pub fn integers(&self) -> Result<Vec<i128>, String> {
        let (signed, size) = match self.kind {
            "u1" | "u2" | "u4" | "u8" => (false, self.size()),
            "i1" | "i2" | "i4" | "i8" => (true, self.size()),
            "b1" => (false, 1),
            other => return Err(format!("its labels are of type {other:?}: save `labels.astype(numpy.int64)`")),
        };
        Ok(self.elements.chunks_exact(size).map(|element| integer(element, self.big_endian, signed)).collect())
    }
}

fn integer(element: &[u8], big_endian: bool, signed: bool) -> i128 {
    let fold = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
    let all = match big_endian {
        true => element.iter().fold(0, fold),
        false => element.iter().rev().fold(0, fold),
    };
    let unused = 64 - 8 * element.len() as u32;
    match signed {
        true => ((all << unused) as i64 >> unused).into(),
        false => all.into(),
    }
}

struct Header<'a> {
    descr: &'a str,
    columns_first: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    /// Reads "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }"; keys in any order. `None` where it is another.
    fn read(text: &'a str) -> Option<Header<'a>> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let (mut descr, mut columns_first, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" => {
                    let (text, after) = quoted(rest)?;
                    descr = Some(text);
                    after
                }
                "fortran_order" => {
                    let after = rest.strip_prefix("True").or_else(|| rest.strip_prefix("False"))?;
                    columns_first = Some(rest.starts_with("True"));
                    after
                }
                "shape" => {
                    let (sides, after) = rest.strip_prefix('(')?.split_once(')')?;
                    let sides = sides.split(',').map(str::trim).filter(|side| !side.is_empty());
                    // Python 2 wrote "60000L".
                    shape = Some(
                        sides.map(|side| side.trim_end_matches('L').parse().ok()).collect::<Option<Vec<usize>>>()?,
                    );
                    after
                }
                _ => return None,
            };
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        Some(Header { descr: descr?, columns_first: columns_first?, shape: shape? })
    }
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file as numpy writes it, but for spaces after the header.
    pub fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), elements].concat()
    }

    fn header(descr: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}  \n")
    }

    #[test]
    fn an_array_is_its_kind_shape_and_elements() {
        // numpy.save of numpy.array([[1, -2]], dtype=">i2"), numpy 2.4.
        let text = format!("{:<117}\n", "{'descr': '>i2', 'fortran_order': False, 'shape': (1, 2), }");
        let bytes = npy(&text, &[0, 1, 255, 254]);
        let array = read(&bytes).unwrap();
        assert_eq!((array.kind, array.columns_first, &array.shape[..]), ("i2", false, &[1, 2][..]));
        assert_eq!(array.integers().unwrap(), [1, -2]);
    }

    #[test]
    fn whole_numbers_of_every_size_and_order_are_read() {
        let read_as =
            |descr: &str, shape: &str, elements: &[u8]| read(&npy(&header(descr, shape), elements)).unwrap().integers();
        assert_eq!(read_as("|u1", "(2,)", &[1, 255]).unwrap(), [1, 255]);
        assert_eq!(read_as("|i1", "(2,)", &[1, 255]).unwrap(), [1, -1]);
        assert_eq!(read_as("<u2", "(1,)", &[1, 2]).unwrap(), [513]);
        assert_eq!(read_as("<i8", "(1L,)", &[254, 255, 255, 255, 255, 255, 255, 255]).unwrap(), [-2]);
        assert_eq!(read_as("<u8", "(1,)", &[255; 8]).unwrap(), [i128::from(u64::MAX)]);
        assert_eq!(read_as("|b1", "(2,)", &[0, 1]).unwrap(), [0, 1]);
        assert!(read_as("<f4", "(1,)", &[0; 4]).unwrap_err().contains("\"f4\""));
    }

    #[test]
    fn a_file_that_ends_too_early_or_too_late_is_refused() {
        let whole = npy(&header("|u1", "(3,)"), &[1, 2, 3]);
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        assert!(read(&[&whole[..], &[4]].concat()).unwrap_err().contains("4 bytes follow"));
    }

    #[test]
    fn a_header_that_announces_more_than_memory_is_only_wrong() {
        let sides = format!("({}, {}, {})", usize::MAX, usize::MAX, usize::MAX);
        assert!(read(&npy(&header("<i8", &sides), &[0; 8])).unwrap_err().contains("announces"));
        assert!(read(b"\x93NUMPY\x02\0\xff\xff\xff\xff{").unwrap_err().contains("truncated"));
    }

    #[test]
    fn objects_texts_and_structures_are_refused_by_their_type() {
        // As numpy 2.4 writes arrays of objects, of texts and of days.
        for (descr, what) in [("|O", "Python's objects, of type \"O\""), ("<U2", "\"U2\""), ("<M8[D]", "\"M8[D]\"")] {
            let error = read(&npy(&header(descr, "(1,)"), &[0; 8])).unwrap_err();
            assert!(error.contains(what) && error.contains("dtype=numpy.uint8"), "{error}");
        }
        let structure = "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,), }";
        assert!(read(&npy(structure, &[0])).unwrap_err().contains("plain array"));
    }

    proptest! {
        #[test]
        fn whatever_the_header_is_there_is_an_error_or_an_array(
            text in "[{}():,'a-z0-9<>| TFL]{0,60}", elements in prop::collection::vec(any::<u8>(), 0..8)
        ) {
            if let Ok(array) = read(&npy(&text, &elements)) {
                let _ = array.integers();
            }
        }

        #[test]
        fn whatever_the_numbers_are_there_is_an_error_or_an_array(
            descr in "[<>|=]?[a-z][0-9]{0,2}", shape in "\\([0-9]?,? ?[0-9]?\\)", elements in prop::collection::vec(any::<u8>(), 0..20)
        ) {
            if let Ok(array) = read(&npy(&header(&descr, &shape), &elements)) {
                let _ = array.integers();
            }
        }
    }
}
