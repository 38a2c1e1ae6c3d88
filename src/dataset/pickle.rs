//! Python's pickles, as far as plain data and numpy's arrays of bytes go: of protocols 2 to 5, as CIFAR's Python archives
//! are written. Nothing is run: a function that a pickle names is known here, or is an error.
//!
//! An opcode makes one value at most, texts and bytes stay where they are in the file, and lists refer to their items: so
//! whatever the file is, it is read once from its beginning to its end, in memory of the order of its own size.

use std::borrow::Cow;
use std::collections::HashMap;

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
        Reader { bytes, at: 0, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }.run()
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
        let Some(Object::List(items)) = self.object(value) else { return Err("not a list".into()) };
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

    /// A string of Python 2 or 3.
    fn text(&self, value: Value<'a>) -> Option<&'a [u8]> {
        match value {
            Value::Bytes(text) => Some(text),
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

fn latin(text: &str) -> Result<Vec<u8>, String> {
    let byte = |c: char| u8::try_from(c).map_err(|_| format!("{c:?} among bytes that are written as Latin-1"));
    text.chars().map(byte).collect()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object<'a>>,
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: HashMap<usize, Value<'a>>,
}

impl<'a> Reader<'a> {
    fn run(mut self) -> Result<Pickle<'a>, String> {
        for _ in 0..STEPS {
            let at = self.at;
            let [opcode] = self.array()?;
            if opcode == b'.' {
                let top = self.pop()?;
                return Ok(Pickle { objects: self.objects, top });
            }
            self.step(opcode).map_err(|why| format!("byte {at} of its pickle: {why}"))?;
        }
        Err(format!("its pickle has more than {STEPS} opcodes"))
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => {
                let [protocol] = self.array()?;
                if protocol > 5 {
                    return Err(format!("protocol {protocol}: save it with `protocol=4`"));
                }
            }
            0x95 => drop(self.array::<8>()?), // a frame
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'N' => self.stack.push(Value::None),
            0x88 => self.stack.push(Value::Int(1)),
            0x89 => self.stack.push(Value::Int(0)),
            b'J' | b'K' | b'M' | 0x8a => {
                let number = self.integer(opcode)?;
                self.stack.push(Value::Int(number));
            }
            b'U' | b'T' | b'C' | b'B' | 0x8e | 0x96 => {
                let length = self.length(opcode)?;
                let bytes = self.take(length)?;
                self.stack.push(Value::Bytes(bytes));
            }
            b'X' | 0x8c | 0x8d => {
                let length = self.length(opcode)?;
                let text = std::str::from_utf8(self.take(length)?).map_err(|_| "a text that is not UTF-8")?;
                self.stack.push(Value::Text(text));
            }
            b'c' => {
                let global = Value::Global(self.line()?, self.line()?);
                self.stack.push(global);
            }
            0x93 => {
                let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?) else {
                    return Err("a function whose name is no text".into());
                };
                self.stack.push(Value::Global(module, name));
            }
            b')' => self.make(Object::Tuple(Vec::new())),
            0x85..=0x87 => {
                let items = self.last(usize::from(opcode - 0x84))?;
                self.make(Object::Tuple(items));
            }
            b't' => {
                let items = self.marked()?;
                self.make(Object::Tuple(items));
            }
            b']' => self.make(Object::List(Vec::new())),
            b'}' => self.make(Object::Dict(Vec::new())),
            b'a' => {
                let items = self.last(1)?;
                self.append(items)?;
            }
            b'e' => {
                let items = self.marked()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.last(2)?;
                self.set(&items)?;
            }
            b'u' => {
                let items = self.marked()?;
                self.set(&items)?;
            }
            b'q' | b'r' | 0x94 => {
                let number = if opcode == 0x94 { self.memo.len() } else { self.place(opcode == b'r')? };
                let top = *self.stack.last().ok_or("nothing to remember")?;
                self.memo.insert(number, top);
            }
            b'h' | b'j' => {
                let number = self.place(opcode == b'j')?;
                let value = *self.memo.get(&number).ok_or("nothing was remembered there")?;
                self.stack.push(value);
            }
            b'R' => self.call()?,
            b'b' => self.build()?,
            other => return Err(format!("opcode 0x{other:02x}, which no data set of this format needs")),
        }
        Ok(())
    }

    /// Calls what makes arrays and bytes, and nothing else.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Global(module, name) = function else { return Err("a call of what is no function".into()) };
        let Some(Object::Tuple(arguments)) = self.object(arguments) else {
            return Err("a call without arguments".into());
        };
        let made = match (module, name, &arguments[..]) {
            ("_codecs", "encode", &[Value::Text(text), Value::Text("latin1" | "latin-1")]) => {
                self.stack.push(Value::Latin(text));
                return Ok(());
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct", _) => Object::Array(None),
            ("numpy", "dtype", [kind, ..]) => Object::Dtype(*kind),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer", [content, dtype, shape, order]) => {
                let columns_first = *order == Value::Text("F");
                Object::Array(Some(Array { shape: *shape, dtype: *dtype, columns_first, content: *content }))
            }
            _ => return Err(format!("it would call {module}.{name}, which is not done: this is no plain data")),
        };
        self.make(made);
        Ok(())
    }

    /// Fills in what was made before.
    fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let state: Option<[Value<'a>; 5]> = match self.object(state) {
            Some(Object::Tuple(state)) => state[..].try_into().ok(),
            _ => None,
        };
        match (self.below(), state) {
            (Some(Object::Dtype(_)), _) => Ok(()),
            (Some(Object::Array(array)), Some([_version, shape, dtype, order, content])) => {
                *array = Some(Array { shape, dtype, columns_first: order != Value::Int(0), content });
                Ok(())
            }
            _ => Err("it fills in what is no array: this is no plain data".into()),
        }
    }

    fn make(&mut self, object: Object<'a>) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
    }

    fn object(&self, value: Value<'_>) -> Option<&Object<'a>> {
        match value {
            Value::Object(at) => self.objects.get(at),
            _ => None,
        }
    }

    fn below(&mut self) -> Option<&mut Object<'a>> {
        match self.stack.last() {
            Some(Value::Object(at)) => self.objects.get_mut(*at),
            _ => None,
        }
    }

    fn append(&mut self, items: Vec<Value<'a>>) -> Result<(), String> {
        let Some(Object::List(list)) = self.below() else { return Err("items of what is no list".into()) };
        list.extend(items);
        Ok(())
    }

    fn set(&mut self, items: &[Value<'a>]) -> Result<(), String> {
        let Some(Object::Dict(entries)) = self.below() else { return Err("entries of what is no dictionary".into()) };
        entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(())
    }

    /// The topmost value, which lies above the last mark.
    fn pop(&mut self) -> Result<Value<'a>, String> {
        self.last(1).map(|items| items[0])
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value<'a>>, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count).filter(|from| *from >= floor) {
            Some(from) => Ok(self.stack.split_off(from)),
            None => Err("a value that is not there".into()),
        }
    }

    fn marked(&mut self) -> Result<Vec<Value<'a>>, String> {
        let mark = self.marks.pop().ok_or("a mark that is not there")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("it is truncated: its pickle ends after {} bytes", self.bytes.len()))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn integer(&mut self, opcode: u8) -> Result<i64, String> {
        Ok(match opcode {
            b'K' => self.array::<1>()?[0].into(),
            b'M' => u16::from_le_bytes(self.array()?).into(),
            b'J' => i32::from_le_bytes(self.array()?).into(),
            _ => {
                let [length] = self.array()?;
                let bytes = self.take(length.into())?;
                let sign = if bytes.last().is_some_and(|last| *last > 0x7f) { 0xff } else { 0 };
                let mut whole = [sign; 8];
                let low = whole.get_mut(..bytes.len()).ok_or("a number of more than 64 bits")?;
                low.copy_from_slice(bytes);
                i64::from_le_bytes(whole)
            }
        })
    }

    /// How many bytes follow, by how many bytes say so.
    fn length(&mut self, opcode: u8) -> Result<usize, String> {
        let length = match opcode {
            b'U' | b'C' | 0x8c => self.array::<1>()?[0].into(),
            b'T' | b'B' | b'X' => u32::from_le_bytes(self.array()?).into(),
            _ => u64::from_le_bytes(self.array()?),
        };
        usize::try_from(length).map_err(|_| "it is truncated".to_string())
    }

    /// A number in the memo.
    fn place(&mut self, long: bool) -> Result<usize, String> {
        Ok(match long {
            true => u32::from_le_bytes(self.array()?) as usize,
            false => self.array::<1>()?[0].into(),
        })
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or("a name that does not end")?;
        let line = std::str::from_utf8(self.take(end)?).map_err(|_| "a name that is not UTF-8")?;
        self.at += 1;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whatever may be asked of a pickle.
    fn ask(bytes: &[u8]) -> Result<(), String> {
        let pickle = Pickle::read(bytes)?;
        let value = pickle.get("data")?;
        match pickle.integers(value) {
            Err(why) if why == "not a list" => pickle.bytes(value).map(drop),
            other => other.map(drop),
        }
    }

    fn refused(bytes: &[u8], part: &str) {
        let error = ask(bytes).unwrap_err();
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }

    #[test]
    fn whole_numbers_of_every_length_are_read() {
        let bytes = b"\x80\x02}U\x04data](K\xffM\xff\xffJ\xfe\xff\xff\xff\x8a\x00\x8a\x01\xfd\x8a\x02\0\x80es.";
        let pickle = Pickle::read(bytes).unwrap();
        assert_eq!(pickle.integers(pickle.get("data").unwrap()).unwrap(), [255, 65535, -2, 0, -3, -32768]);
        refused(b"}U\x04data\x8a\x09123456789s.", "more than 64 bits");
    }

    #[test]
    fn what_ends_too_early_is_truncated() {
        let whole = &include_bytes!("fixtures/ten-2.pickle")[..];
        assert_eq!(ask(whole), Ok(()));
        for end in 0..whole.len() {
            refused(&whole[..end], "");
        }
        refused(b"\x80\x02}X\xff\xff\xff\xffdata", "truncated");
        refused(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "truncated");
    }

    #[test]
    fn a_stack_that_is_too_short_and_a_mark_that_is_missing_are_refused() {
        for bytes in [&b"."[..], b"e.", b"u.", b"t.", b"s.", b"R.", b"b.", b"q\0.", b"h\0.", b"(a.", b"](.", b"]1."] {
            refused(bytes, "");
        }
    }

    #[test]
    fn a_list_that_holds_itself_is_a_list_of_other_than_numbers() {
        refused(b"}U\x04data]q\0h\0as.", "a list of other than whole numbers");
    }

    #[test]
    fn a_size_that_is_announced_allocates_nothing() {
        let array = |sides: &[u8]| {
            let head = b"}U\x04datacnumpy.core.multiarray\n_reconstruct\n)R(K\x01";
            let tail = b"cnumpy\ndtype\nU\x02u1\x85R\x89U\x02abtbs.";
            [&head[..], sides, tail].concat()
        };
        assert_eq!(ask(&array(b"K\x02\x85")), Ok(()));
        refused(&array(b"J\xff\xff\xff\x7fq\0h\0h\0\x87"), "with 2 bytes");
        refused(&array(b"J\xff\xff\xff\xff\x85"), "negative");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_there_is_an_answer_or_an_error(
            opcodes in prop::collection::vec(prop::sample::select(&b"\x80\x95(01N\x88J\x8aUX\x8cc\x93)\x85\x86\x87t]}aesuqrh\x94jRb.\x00\x01\n"[..]), 0..60)
        ) {
            let _ = ask(&opcodes);
        }

        #[test]
        fn a_damaged_pickle_gives_an_answer_or_an_error(at in 0usize..378, byte in any::<u8>()) {
            let mut whole = include_bytes!("fixtures/ten-2.pickle").to_vec();
            whole[at] = byte;
            let _ = ask(&whole);
        }
    }
}
