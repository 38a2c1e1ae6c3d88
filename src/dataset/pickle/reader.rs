//! A pickle's opcodes, one after the other, on a stack.

use std::collections::HashMap;

use super::{Array, Object, Pickle, STEPS, Value};

/// Reads a pickle from its beginning to its end.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object<'a>>,
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: HashMap<usize, Value<'a>>,
}

impl<'a> Reader<'a> {
    pub fn of(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    pub fn run(mut self) -> Result<Pickle<'a>, String> {
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
            other => return Err(format!("opcode 0x{other:02x}, which no data set needs: save it with `protocol=4`")),
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
            _ => {
                return Err(format!(
                    "it would call {module}.{name}, which is not done: save lists of whole numbers and arrays of bytes"
                ));
            }
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
