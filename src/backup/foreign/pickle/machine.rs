//! The machine: opcodes and their arguments, a stack with marks, a memo.

use std::borrow::Cow;

use hashbrown::HashMap;
use num_bigint::BigInt;

use super::globals::Global;
use super::node::{Id, Node, Nodes};
use super::opcode as op;
use super::{Fault, Step, damaged};

/// Bytes of a whole number: no column holds more digits.
const MAX_LONG_BYTES: usize = 64 * 1024;
const HIGHEST_PROTOCOL: u8 = 5;
/// Objects that are made.
const MAX_NODES: usize = 1 << 26;
/// Objects on the stack, and places of the memo.
const MAX_STACK: usize = 1 << 26;
/// Arguments of a call: no data needs more.
const MAX_ARGUMENTS: usize = 16;
/// Marks on the stack: what is begun in what is begun.
const MAX_MARKS: usize = 1 << 12;

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Nodes<'a>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

/// Runs a pickle: all nodes, and the one that it is of.
pub(super) fn run(bytes: &[u8]) -> Step<(Nodes<'_>, Id)> {
    let (nodes, stack, marks) = (Vec::new(), Vec::new(), Vec::new());
    let mut machine = Machine { bytes, at: 0, nodes, stack, marks, memo: HashMap::new() };
    loop {
        let opcode = machine.byte()?;
        if opcode == op::STOP {
            let root = machine.pop()?;
            return Ok((machine.nodes, root));
        }
        machine.step(opcode)?;
    }
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            op::PROTO => self.protocol(),
            op::FRAME => self.number(8).map(drop),
            op::MARK => {
                if self.marks.len() >= MAX_MARKS {
                    return Err(Fault::Refused(format!("it has more than {MAX_MARKS} marks at once")));
                }
                self.marks.push(self.stack.len());
                Ok(())
            }
            op::POP if self.marks.last() == Some(&self.stack.len()) => self.since_mark().map(drop),
            op::POP => self.pop().map(drop),
            op::POP_MARK => self.since_mark().map(drop),
            op::DUP => self.top().and_then(|top| self.push_again(top)),
            op::NONE => self.push(Node::None),
            op::NEWTRUE => self.push(Node::Bool(true)),
            op::NEWFALSE => self.push(Node::Bool(false)),
            op::INT | op::BININT | op::BININT1 | op::BININT2 | op::LONG | op::LONG1 | op::LONG4 => self.whole(opcode),
            op::FLOAT | op::BINFLOAT => self.float(opcode),
            op::STRING | op::BINSTRING | op::SHORT_BINSTRING | op::UNICODE => self.old_text(opcode),
            op::BINUNICODE | op::SHORT_BINUNICODE | op::BINUNICODE8 => self.text(opcode),
            op::BINBYTES | op::SHORT_BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 => self.binary(opcode),
            op::GET | op::BINGET | op::LONG_BINGET | op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => {
                self.memory(opcode)
            }
            op::GLOBAL | op::STACK_GLOBAL => self.global(opcode),
            op::REDUCE | op::NEWOBJ | op::NEWOBJ_EX | op::BUILD => self.object(opcode),
            op::INST
            | op::OBJ
            | op::PERSID
            | op::BINPERSID
            | op::EXT1
            | op::EXT2
            | op::EXT4
            | op::NEXT_BUFFER
            | op::READONLY_BUFFER => {
                Err(Fault::Refused(format!("it has the opcode {}", op::name(opcode).unwrap_or_default())))
            }
            _ => self.container(opcode),
        }
    }

    fn protocol(&mut self) -> Step<()> {
        match self.byte()? {
            0..=HIGHEST_PROTOCOL => Ok(()),
            other => Err(Fault::Refused(format!("it is of protocol {other}"))),
        }
    }

    fn take(&mut self, length: u64) -> Step<&'a [u8]> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| Fault::Damaged(format!("it ends early, at byte {}", self.bytes.len())))?;
        self.at += taken.len();
        Ok(taken)
    }

    fn byte(&mut self) -> Step<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A little-endian number without sign.
    fn number(&mut self, length: u64) -> Step<u64> {
        Ok(self.take(length)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.at..];
        let Some(length) = memchr::memchr(b'\n', rest) else { return damaged("a line has no end") };
        self.at += length + 1;
        let line = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
        std::str::from_utf8(line).map_err(|error| Fault::Damaged(error.to_string()))
    }

    fn push(&mut self, node: Node<'a>) -> Step<()> {
        if self.nodes.len() >= MAX_NODES {
            return Err(Fault::Refused(format!("it makes more than {MAX_NODES} objects")));
        }
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(node);
        self.push_again(id)
    }

    fn push_again(&mut self, id: Id) -> Step<()> {
        if self.stack.len() >= MAX_STACK {
            return Err(Fault::Refused(format!("it puts more than {MAX_STACK} objects on its stack")));
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > floor {
            true => self.stack.pop().ok_or_else(|| Fault::Damaged("its stack is empty".to_owned())),
            false => damaged(format_args!("its stack is empty at byte {}", self.at)),
        }
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().ok_or_else(|| Fault::Damaged(format!("its stack is empty at byte {}", self.at)))
    }

    /// Takes everything down to the last mark.
    fn since_mark(&mut self) -> Step<Vec<Id>> {
        let Some(height) = self.marks.pop() else {
            return damaged(format_args!("a mark is missing at byte {}", self.at));
        };
        Ok(self.stack.split_off(height.min(self.stack.len())))
    }

    fn whole(&mut self, opcode: u8) -> Step<()> {
        let number = match opcode {
            op::BININT1 => i64::from(self.byte()?),
            op::BININT2 => self.number(2)? as i64,
            op::BININT => i64::from(self.number(4)? as u32 as i32),
            op::INT => match self.line()? {
                "00" => return self.push(Node::Bool(false)),
                "01" => return self.push(Node::Bool(true)),
                line => return self.decimal(line),
            },
            op::LONG => {
                let line = self.line()?;
                return self.decimal(line.strip_suffix('L').unwrap_or(line));
            }
            long => {
                let length = self.number(if long == op::LONG1 { 1 } else { 4 })?;
                let bytes = self.take(length)?;
                return self.long(bytes);
            }
        };
        self.push(Node::Int(number))
    }

    fn decimal(&mut self, line: &str) -> Step<()> {
        if let Ok(number) = line.parse() {
            return self.push(Node::Int(number));
        }
        let digits = line.strip_prefix('-').unwrap_or(line);
        let is_number =
            !digits.is_empty() && digits.len() <= MAX_LONG_BYTES && digits.bytes().all(|b| b.is_ascii_digit());
        match is_number {
            true => self.push(Node::Long(line.to_owned())),
            false => damaged("a number is none"),
        }
    }

    fn long(&mut self, bytes: &[u8]) -> Step<()> {
        if bytes.len() > MAX_LONG_BYTES {
            return Err(Fault::Refused("it has a number that is too long".to_owned()));
        }
        let number = BigInt::from_signed_bytes_le(bytes);
        self.push(i64::try_from(&number).map_or_else(|_| Node::Long(number.to_string()), Node::Int))
    }

    fn float(&mut self, opcode: u8) -> Step<()> {
        let value = match opcode {
            op::BINFLOAT => f64::from_bits(self.number(8)?.swap_bytes()),
            _ => self.line()?.parse().map_err(|_| Fault::Damaged("a number is none".to_owned()))?,
        };
        self.push(Node::Float(value))
    }

    fn text(&mut self, opcode: u8) -> Step<()> {
        let length = self.number(match opcode {
            op::SHORT_BINUNICODE => 1,
            op::BINUNICODE => 4,
            _ => 8,
        })?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|error| Fault::Damaged(error.to_string()))?;
        self.push(Node::Text(Cow::Borrowed(text)))
    }

    /// Texts of the first protocols: without anything escaped, as all names are.
    fn old_text(&mut self, opcode: u8) -> Step<()> {
        let text = match opcode {
            op::STRING => {
                let line = self.line()?;
                let inner = |quote| line.strip_prefix(quote).and_then(|line| line.strip_suffix(quote));
                inner('\'').or_else(|| inner('"')).ok_or_else(|| Fault::Damaged("a text has no quotes".to_owned()))?
            }
            op::UNICODE => self.line()?,
            length => {
                let length = self.number(if length == op::SHORT_BINSTRING { 1 } else { 4 })?;
                std::str::from_utf8(self.take(length)?).map_err(|error| Fault::Damaged(error.to_string()))?
            }
        };
        match matches!(opcode, op::STRING | op::UNICODE) && text.contains('\\') {
            true => Err(Fault::Refused("it has escaped text of an old protocol".to_owned())),
            false => self.push(Node::Text(Cow::Borrowed(text))),
        }
    }

    fn binary(&mut self, opcode: u8) -> Step<()> {
        let length = self.number(match opcode {
            op::SHORT_BINBYTES => 1,
            op::BINBYTES => 4,
            _ => 8,
        })?;
        let bytes = self.take(length)?;
        self.push(Node::Bytes(Cow::Borrowed(bytes)))
    }

    fn memory(&mut self, opcode: u8) -> Step<()> {
        let place = match opcode {
            op::MEMOIZE => self.memo.len() as u64,
            op::BINGET | op::BINPUT => self.number(1)?,
            op::LONG_BINGET | op::LONG_BINPUT => self.number(4)?,
            _ => self.line()?.parse().map_err(|_| Fault::Damaged("a place is no number".to_owned()))?,
        };
        if matches!(opcode, op::GET | op::BINGET | op::LONG_BINGET) {
            let found = self.memo.get(&place).copied();
            return self.push_again(found.ok_or_else(|| Fault::Damaged(format!("place {place} is empty")))?);
        }
        let top = self.top()?;
        if self.memo.len() >= MAX_STACK {
            return Err(Fault::Refused(format!("it remembers more than {MAX_STACK} objects")));
        }
        self.memo.insert(place, top);
        Ok(())
    }

    fn global(&mut self, opcode: u8) -> Step<()> {
        let global = match opcode {
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                Global::named(module, name)?
            }
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.node(module), self.node(name)) {
                    (Node::Text(module), Node::Text(name)) => Global::named(module, name)?,
                    _ => return damaged("a name is no text"),
                }
            }
        };
        self.push(Node::Global(global))
    }

    fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    fn object(&mut self, opcode: u8) -> Step<()> {
        if opcode == op::BUILD {
            let (state, object) = (self.pop()?, self.top()?);
            return match &mut self.nodes[object.0 as usize] {
                Node::Object { state: own, .. } => {
                    *own = Some(state);
                    Ok(())
                }
                other => Err(Fault::Refused(format!("it sets the state of {}", other.kind()))),
            };
        }
        if opcode == op::NEWOBJ_EX {
            let names = self.pop()?;
            if !matches!(self.node(names), Node::Dict(entries) if entries.is_empty()) {
                return Err(Fault::Refused("it makes an object with named arguments".to_owned()));
            }
        }
        let (arguments, of) = (self.pop()?, self.pop()?);
        let (Node::Tuple(arguments), Node::Global(of)) = (self.node(arguments), self.node(of)) else {
            return Err(Fault::Refused(format!("it calls {}", self.node(of).kind())));
        };
        if arguments.len() > MAX_ARGUMENTS {
            return Err(Fault::Refused(format!("it makes an object of {} arguments", arguments.len())));
        }
        let (of, arguments) = (*of, arguments.clone());
        self.push(Node::Object { of, arguments, state: None })
    }

    fn container(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            op::EMPTY_LIST | op::EMPTY_SET => self.push(Node::List(Vec::new())),
            op::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new())),
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new())),
            op::LIST | op::FROZENSET => self.since_mark().and_then(|items| self.push(Node::List(items))),
            op::TUPLE => self.since_mark().and_then(|items| self.push(Node::Tuple(items))),
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let mut items = Vec::new();
                for _ in op::TUPLE1..=opcode {
                    items.insert(0, self.pop()?);
                }
                self.push(Node::Tuple(items))
            }
            op::DICT => {
                let items = self.since_mark()?;
                self.push(Node::Dict(Vec::new()))?;
                self.set_items(items)
            }
            op::APPEND => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            op::APPENDS | op::ADDITEMS => self.since_mark().and_then(|items| self.append(items)),
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(vec![key, value])
            }
            op::SETITEMS => self.since_mark().and_then(|items| self.set_items(items)),
            other => damaged(format_args!("there is no opcode {other:#04x}, at byte {}", self.at - 1)),
        }
    }

    fn append(&mut self, mut items: Vec<Id>) -> Step<()> {
        let top = self.top()?;
        match &mut self.nodes[top.0 as usize] {
            Node::List(list) => {
                list.append(&mut items);
                Ok(())
            }
            other => Err(Fault::Refused(format!("it appends to {}", other.kind()))),
        }
    }

    fn set_items(&mut self, items: Vec<Id>) -> Step<()> {
        let top = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return damaged("a key has no value");
        }
        match &mut self.nodes[top.0 as usize] {
            Node::Dict(entries) => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            other => Err(Fault::Refused(format!("it sets items of {}", other.kind()))),
        }
    }
}
