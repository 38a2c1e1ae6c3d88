//! Python's pickles, as far as plain data and numpy's arrays of bytes go: of protocols 2 to 5, as CIFAR's Python archives
//! are written. Nothing is run: a function that a pickle names is known here, or is an error.
//!
//! An opcode makes one value at most, texts and bytes stay where they are in the file, and lists refer to their items: so
//! whatever the file is, it is read once from its beginning to its end, in memory of the order of its own size.

mod reader;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::reader::Reader;

const NO_LIST: &str = "not a list: save `[int(label) for label in labels]`";

/// More opcodes than any data set of such files needs, for a few each of its labels and names.
const STEPS: usize = 1 << 23;

/// What is on the stack and in lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    None,
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Bytes that were written as a text of Latin-1, as Python 3 does in protocol 2.
    Latin(&'a str),
    /// A module and a name in it.
    Global(&'a str, &'a str),
    /// A place in `Pickle::objects`.
    Object(usize),
}

#[derive(Debug)]
enum Object<'a> {
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// What kind of numbers: "u1".
    Dtype(Value<'a>),
    Array(Option<Array<'a>>),
}

#[derive(Clone, Debug)]
struct Array<'a> {
    shape: Value<'a>,
    dtype: Value<'a>,
    columns_first: bool,
    content: Value<'a>,
}

/// A pickle that was read: what it holds is asked for by key.
#[derive(Debug)]
pub struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    top: Value<'a>,
}

impl<'a> Pickle<'a> {
    /// Reads a whole pickle.
    pub fn read(bytes: &'a [u8]) -> Result<Pickle<'a>, String> {
        Reader::of(bytes).run()
    }

    /// What the dictionary that is the whole has of this key.
    pub fn get(&self, key: &str) -> Result<Value<'a>, String> {
        let is_key = |value: &Value<'_>| self.text(*value) == Some(key.as_bytes());
        let Some(Object::Dict(entries)) = self.object(self.top) else { return Err("it is no dictionary".into()) };
        // Of a key that is there twice, the last counts in Python.
        let found = entries.iter().rev().find(|(name, _)| is_key(name)).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let names = entries.iter().filter_map(|(name, _)| self.text(*name)).take(20).map(String::from_utf8_lossy);
            format!("its dictionary has no {key:?}, but {:?}", names.collect::<Vec<_>>())
        })
    }

    /// A list of whole numbers.
    pub fn integers(&self, value: Value<'a>) -> Result<Vec<i64>, String> {
        let Some(Object::List(items)) = self.object(value) else { return Err(NO_LIST.into()) };
        let number = |item: &Value<'_>| match item {
            Value::Int(number) => Ok(*number),
            _ => Err("a list of other than whole numbers".to_string()),
        };
        items.iter().map(number).collect()
    }

    /// The shape and the elements, row after row, of an array of bytes.
    pub fn bytes(&self, value: Value<'a>) -> Result<(Vec<u64>, Cow<'a, [u8]>), String> {
        let Some(Object::Array(Some(array))) = self.object(value) else { return Err("not an array of numpy".into()) };
        match self.object(array.dtype) {
            Some(Object::Dtype(kind)) if matches!(self.text(*kind), Some(b"u1" | b"|u1")) => {}
            _ => return Err("an array of numbers other than bytes".into()),
        }
        let Some(Object::Tuple(sides)) = self.object(array.shape) else {
            return Err("an array without a shape".into());
        };
        let side = |side: &Value<'_>| match side {
            Value::Int(side) => u64::try_from(*side).map_err(|_| "an array of a negative size".to_string()),
            _ => Err("an array without a shape".to_string()),
        };
        let shape = sides.iter().map(side).collect::<Result<Vec<_>, _>>()?;
        if array.columns_first && shape.iter().filter(|side| **side != 1).count() > 1 {
            return Err("an array in Fortran's order: save it by rows, with `numpy.ascontiguousarray`".into());
        }
        let content = match array.content {
            Value::Bytes(content) => Cow::Borrowed(content),
            Value::Latin(text) => latin(text)?.into(),
            _ => return Err("an array without its bytes".into()),
        };
        let announced = shape.iter().fold(1u128, |product, side| product.saturating_mul(u128::from(*side)));
        match announced == content.len() as u128 {
            true => Ok((shape, content)),
            false => Err(format!("an array of {shape:?} with {} bytes", content.len())),
        }
    }

    fn object(&self, value: Value<'_>) -> Option<&Object<'a>> {
        match value {
            Value::Object(at) => self.objects.get(at),
            _ => None,
        }
    }

    /// A string of Python 2 or 3, or bytes of either: who reads CIFAR's files by `encoding="bytes"` and saves them has bytes
    /// for keys. Names are ASCII, which Latin-1 writes as UTF-8 does.
    fn text(&self, value: Value<'a>) -> Option<&'a [u8]> {
        match value {
            Value::Bytes(text) => Some(text),
            Value::Text(text) | Value::Latin(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

fn latin(text: &str) -> Result<Vec<u8>, String> {
    let byte = |c: char| u8::try_from(c).map_err(|_| format!("{c:?} among bytes that are written as Latin-1"));
    text.chars().map(byte).collect()
}
