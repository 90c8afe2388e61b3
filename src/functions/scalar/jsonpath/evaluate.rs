//! Expressions: chains of accessors, arithmetic. Every function appends what it finds and says whether it found anything.

use std::borrow::Cow;

use dictdb_types::jsonpath::{Accessor, Arithmetic, Node, Primary};
use dictdb_types::stack::with_stack;
use dictdb_types::{Error, Jsonb, Numeric, SqlState};

use super::{Evaluation, Fault, Found, Item, Scope, Truth, soft};

type Outcome = Result<bool, Fault>;

impl<'a> Evaluation<'a> {
    /// All items of a node.
    pub(super) fn sequence(&mut self, node: &Node, scope: Scope<'_, 'a>) -> Result<Vec<Item<'a>>, Fault> {
        let mut items = vec![];
        self.node(node, scope, Some(&mut items))?;
        Ok(items)
    }

    /// All items of a node, in lax mode with arrays opened.
    pub(super) fn unwrapped(&mut self, node: &Node, scope: Scope<'_, 'a>) -> Result<Vec<Item<'a>>, Fault> {
        let items = self.sequence(node, scope)?;
        Ok(if self.strict { items } else { items.into_iter().flat_map(open).collect() })
    }

    pub(super) fn node(&mut self, node: &Node, scope: Scope<'_, 'a>, found: Found<'_, 'a>) -> Outcome {
        match node {
            Node::Chain(primary, accessors) => self.chain(primary, accessors, scope, found),
            Node::Sign { negative, operand } => self.sign(*negative, operand, scope, found),
            Node::Arithmetic(operator, left, right) => {
                let value = self.arithmetic(*operator, left, right, scope)?;
                Ok(emit(Item::made(Jsonb::Number(value)), found))
            }
            predicate => {
                let value = match self.truth(predicate, scope)? {
                    Truth::Unknown => Jsonb::Null,
                    truth => Jsonb::Bool(truth == Truth::True),
                };
                Ok(emit(Item::made(value), found))
            }
        }
    }

    fn chain(
        &mut self,
        primary: &Primary,
        rest: &[Accessor],
        scope: Scope<'_, 'a>,
        mut found: Found<'_, 'a>,
    ) -> Outcome {
        let start: Item<'a> = match primary {
            Primary::Root => Item::of(self.root),
            Primary::Current => scope.current.clone(),
            Primary::Last => Item::made(Jsonb::Number(self.last(scope)?)),
            Primary::Null => Item::made(Jsonb::Null),
            Primary::Bool(value) => Item::made(Jsonb::Bool(*value)),
            Primary::Number(number) => Item::made(Jsonb::Number(number.clone())),
            Primary::String(text) => Item::made(Jsonb::String(text.as_str().into())),
            Primary::Variable(name) => Item::of(self.variable(name)?),
            Primary::Parenthesized(node) => {
                let mut any = false;
                for item in self.sequence(node, scope)? {
                    any |= self.steps(item, rest, scope, true, found.as_deref_mut())?;
                }
                return Ok(any);
            }
        };
        self.steps(start, rest, scope, true, found)
    }

    fn last(&self, scope: Scope<'_, 'a>) -> Result<Numeric, Fault> {
        match scope.array_size {
            Some(size) => Ok(Numeric::from(size as i64 - 1)),
            None => Err(Fault::Hard(Error::internal("evaluating jsonpath LAST outside of array subscript"))),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Result<&'a Jsonb, Fault> {
        let found = self.variables.iter().find(|(key, _)| **key == *name);
        found.map(|(_, value)| value).ok_or_else(|| {
            let message = format!("could not find jsonpath variable \"{name}\"");
            Fault::Hard(Error::new(SqlState::UNDEFINED_OBJECT, message))
        })
    }

    fn forgives(&self, scope: Scope<'_, 'a>) -> bool {
        !self.strict || scope.forgiving
    }

    /// Applies the accessors to an item. `unwrap`: an array stands for its elements where the first accessor wants no
    /// array, which happens once and in lax mode only.
    pub(super) fn steps(
        &mut self,
        item: Item<'a>,
        accessors: &[Accessor],
        scope: Scope<'_, 'a>,
        unwrap: bool,
        found: Found<'_, 'a>,
    ) -> Outcome {
        let Some((first, rest)) = accessors.split_first() else { return Ok(emit(item, found)) };
        let unwrap = unwrap && !self.strict;
        match first {
            Accessor::Key(key) => self.key(item, key, accessors, scope, unwrap, found),
            Accessor::AnyKey => match &*item {
                Jsonb::Object(_) => self.each(members(item), rest, scope, true, found),
                Jsonb::Array(_) if unwrap => self.each(members(item), accessors, scope, false, found),
                _ if self.forgives(scope) => Ok(false),
                _ => Err(soft(
                    SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                    "jsonpath wildcard member accessor can only be applied to an object",
                )),
            },
            Accessor::AnyElement => match &*item {
                Jsonb::Array(_) => self.each(members(item), rest, scope, true, found),
                _ if !self.strict => self.steps(item, rest, scope, true, found),
                _ if scope.forgiving => Ok(false),
                _ => Err(soft(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath wildcard array accessor can only be applied to an array",
                )),
            },
            Accessor::Subscripts(subscripts) => self.subscripts(item, subscripts, rest, scope, found),
            Accessor::Descend(first, last) => self.descend(item, (*first, *last), rest, scope, found),
            Accessor::Filter(filter) => {
                if unwrap && matches!(&*item, Jsonb::Array(_)) {
                    return self.each(members(item), accessors, scope, false, found);
                }
                match self.truth(filter, Scope { current: &item, ..scope })? {
                    Truth::True => self.steps(item, rest, scope, true, found),
                    _ => Ok(false),
                }
            }
            Accessor::Method(method) => self.method(item, *method, accessors, scope, unwrap, found),
            Accessor::DateTime(_) if unwrap && matches!(&*item, Jsonb::Array(_)) => {
                self.each(members(item), accessors, scope, false, found)
            }
            Accessor::DateTime(template) => {
                let item = self.datetime(&item, template.as_deref())?;
                self.steps(item, rest, scope, true, found)
            }
        }
    }

    /// Applies the accessors to each of several items.
    pub(super) fn each(
        &mut self,
        items: Vec<Item<'a>>,
        accessors: &[Accessor],
        scope: Scope<'_, 'a>,
        unwrap: bool,
        mut found: Found<'_, 'a>,
    ) -> Outcome {
        let mut any = false;
        for item in items {
            any |= self.steps(item, accessors, scope, unwrap, found.as_deref_mut())?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        Ok(any)
    }

    fn key(
        &mut self,
        item: Item<'a>,
        key: &str,
        accessors: &[Accessor],
        scope: Scope<'_, 'a>,
        unwrap: bool,
        found: Found<'_, 'a>,
    ) -> Outcome {
        let is_array = matches!(&*item, Jsonb::Array(_));
        match item.json {
            Cow::Borrowed(json @ Jsonb::Object(_)) => match json.get(key) {
                Some(value) => return self.steps(Item::of(value), &accessors[1..], scope, true, found),
                None if self.forgives(scope) => return Ok(false),
                None => {}
            },
            Cow::Owned(ref json @ Jsonb::Object(_)) => match json.get(key) {
                Some(value) => return self.steps(Item::made(value.clone()), &accessors[1..], scope, true, found),
                None if self.forgives(scope) => return Ok(false),
                None => {}
            },
            _ if unwrap && is_array => return self.each(members(item), accessors, scope, false, found),
            _ if self.forgives(scope) => return Ok(false),
            _ => {
                let message = "jsonpath member accessor can only be applied to an object";
                return Err(soft(SqlState::SQL_JSON_MEMBER_NOT_FOUND, message));
            }
        }
        let message = format!("JSON object does not contain key \"{key}\"");
        Err(soft(SqlState::SQL_JSON_MEMBER_NOT_FOUND, message))
    }

    fn subscripts(
        &mut self,
        item: Item<'a>,
        subscripts: &[(Node, Option<Node>)],
        rest: &[Accessor],
        scope: Scope<'_, 'a>,
        mut found: Found<'_, 'a>,
    ) -> Outcome {
        let is_array = matches!(&*item, Jsonb::Array(_));
        if !is_array && self.strict {
            return if scope.forgiving {
                Ok(false)
            } else {
                let message = "jsonpath array accessor can only be applied to an array";
                Err(soft(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message))
            };
        }
        let elements = if is_array { members(item) } else { vec![item] };
        let size = elements.len();
        let inner = Scope { array_size: Some(size), ..scope };
        let mut any = false;
        for (from, to) in subscripts {
            let from = self.subscript(from, inner)?;
            let to = to.as_ref().map_or(Ok(from), |to| self.subscript(to, inner))?;
            if !self.forgives(scope) && (from < 0 || from > to || to >= size as i64) {
                let message = "jsonpath array subscript is out of bounds";
                return Err(soft(SqlState::INVALID_SQL_JSON_SUBSCRIPT, message));
            }
            let (from, to) = (from.max(0) as usize, (to + 1).clamp(0, size as i64) as usize);
            for element in elements.get(from..to).unwrap_or_default() {
                any |= self.steps(element.clone(), rest, scope, true, found.as_deref_mut())?;
                if any && found.is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(any)
    }

    fn subscript(&mut self, node: &Node, scope: Scope<'_, 'a>) -> Result<i64, Fault> {
        let items = self.sequence(node, scope)?;
        match items.as_slice() {
            [item] => match &**item {
                Jsonb::Number(number) => {
                    number.trunc(0).and_then(|whole| whole.to_i32()).map(i64::from).map_err(|_| {
                        let message = "jsonpath array subscript is out of integer range";
                        soft(SqlState::INVALID_SQL_JSON_SUBSCRIPT, message)
                    })
                }
                _ => Err(not_single_number()),
            },
            _ => Err(not_single_number()),
        }
    }

    /// `.**{first to last}`: the item itself is level zero.
    fn descend(
        &mut self,
        item: Item<'a>,
        (first, last): (u32, u32),
        rest: &[Accessor],
        scope: Scope<'_, 'a>,
        mut found: Found<'_, 'a>,
    ) -> Outcome {
        let inner = Scope { forgiving: true, ..scope };
        let mut any = false;
        if first == 0 {
            any = self.steps(item.clone(), rest, inner, true, found.as_deref_mut())?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        Ok(self.below(item, (1, first, last), rest, inner, found)? | any)
    }

    fn below(
        &mut self,
        item: Item<'a>,
        (level, first, last): (u32, u32, u32),
        rest: &[Accessor],
        scope: Scope<'_, 'a>,
        mut found: Found<'_, 'a>,
    ) -> Outcome {
        let mut any = false;
        if level > last {
            return Ok(false);
        }
        for member in members(item) {
            let is_leaf = !matches!(&*member, Jsonb::Array(_) | Jsonb::Object(_));
            // `{last}` are the leaves.
            if level >= first || (first == u32::MAX && last == u32::MAX && is_leaf) {
                any |= self.steps(member.clone(), rest, scope, true, found.as_deref_mut())?;
                if any && found.is_none() {
                    return Ok(true);
                }
            }
            if level < last {
                let range = (level + 1, first, last);
                any |= with_stack(|| self.below(member, range, rest, scope, found.as_deref_mut()))?;
            }
        }
        Ok(any)
    }

    fn sign(&mut self, negative: bool, operand: &Node, scope: Scope<'_, 'a>, mut found: Found<'_, 'a>) -> Outcome {
        let mut any = false;
        for item in self.unwrapped(operand, scope)? {
            let Jsonb::Number(number) = &*item else {
                // Where only the question is whether there is a number, the others are passed by.
                if found.is_none() {
                    continue;
                }
                let sign = if negative { "-" } else { "+" };
                let message = format!("operand of unary jsonpath operator {sign} is not a numeric value");
                return Err(soft(SqlState::SQL_JSON_NUMBER_NOT_FOUND, message));
            };
            let number = if negative { number.neg() } else { number.clone() };
            any |= emit(Item::made(Jsonb::Number(number)), found.as_deref_mut());
        }
        Ok(any)
    }

    fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: &Node,
        right: &Node,
        scope: Scope<'_, 'a>,
    ) -> Result<Numeric, Fault> {
        let left = self.number(left, scope, "left", operator)?;
        let right = self.number(right, scope, "right", operator)?;
        let result = match operator {
            Arithmetic::Add => left.add(&right),
            Arithmetic::Subtract => left.sub(&right),
            Arithmetic::Multiply => left.mul(&right),
            Arithmetic::Divide => left.div(&right),
            Arithmetic::Modulo => left.rem(&right),
        };
        result.map_err(Fault::Soft)
    }

    fn number(
        &mut self,
        node: &Node,
        scope: Scope<'_, 'a>,
        side: &str,
        operator: Arithmetic,
    ) -> Result<Numeric, Fault> {
        match self.unwrapped(node, scope)?.as_slice() {
            [item] if matches!(&**item, Jsonb::Number(_)) => match &**item {
                Jsonb::Number(number) => Ok(number.clone()),
                _ => Err(not_single_number()),
            },
            _ => {
                let operator = operator.as_str();
                let message = format!("{side} operand of jsonpath operator {operator} is not a single numeric value");
                Err(soft(SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED, message))
            }
        }
    }
}

fn not_single_number() -> Fault {
    soft(SqlState::INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is not a single numeric value")
}

/// Adds an item where items are wanted.
pub(super) fn emit<'a>(item: Item<'a>, found: Found<'_, 'a>) -> bool {
    if let Some(found) = found {
        found.push(item);
    }
    true
}

/// Elements of an array, values of an object, nothing of a scalar.
pub(super) fn members(item: Item<'_>) -> Vec<Item<'_>> {
    match item.json {
        Cow::Borrowed(Jsonb::Array(items)) => items.iter().map(Item::of).collect(),
        Cow::Borrowed(Jsonb::Object(pairs)) => pairs.iter().map(|(_, value)| Item::of(value)).collect(),
        Cow::Owned(Jsonb::Array(items)) => items.into_iter().map(Item::made).collect(),
        Cow::Owned(Jsonb::Object(pairs)) => pairs.into_iter().map(|(_, value)| Item::made(value)).collect(),
        _ => vec![],
    }
}

/// An array as its elements, anything else as itself.
fn open(item: Item<'_>) -> Vec<Item<'_>> {
    if matches!(&*item, Jsonb::Array(_)) { members(item) } else { vec![item] }
}
