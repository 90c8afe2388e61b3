//! Operators and the comparison forms that are built from them: LIKE, IN, BETWEEN, ANY/ALL, rows, IS DISTINCT FROM.

use std::sync::Arc;

use dictdb_functions::resolve;
use dictdb_parser::ast::{BinaryOperator, Expr as Ast, UnaryOperator};
use dictdb_parser::node;
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};

use super::Binder;
use super::expression::strip_parentheses;
use crate::expr::{Call, Expr, RowOrder, ScalarArray, SublinkKind};

/// An operator as written: its name, and its schema when given by `OPERATOR(schema.op)`.
#[derive(Clone)]
pub(crate) struct OperatorName {
    pub schema: Option<String>,
    pub name: String,
}

impl From<&str> for OperatorName {
    fn from(name: &str) -> Self {
        OperatorName { schema: None, name: name.to_owned() }
    }
}

impl From<node::Operator<'_>> for OperatorName {
    fn from(operator: node::Operator<'_>) -> Self {
        OperatorName { schema: operator.schema.map(str::to_owned), name: operator.name.to_owned() }
    }
}

impl Binder<'_> {
    /// Binds every form with an operator in it.
    pub(crate) fn bind_operator_syntax(&mut self, expr: &Ast) -> Result<Expr> {
        let position = self.node_position(expr);
        match expr {
            Ast::BinaryOp { op: BinaryOperator::And, .. } => self.bind_chain(expr, BinaryOperator::And),
            Ast::BinaryOp { op: BinaryOperator::Or, .. } => self.bind_chain(expr, BinaryOperator::Or),
            Ast::BinaryOp { left, op, right } => self.bind_binary_syntax(left, op, right, position),
            Ast::UnaryOp { op: UnaryOperator::Not, expr: arg } => {
                let bound = self.bind_expr(arg)?;
                let bound = self.coerce_to_boolean(bound, "NOT", self.leftmost(arg))?;
                Ok(Expr::Not(Box::new(bound)))
            }
            Ast::UnaryOp { op: UnaryOperator::Plus, expr: arg } => self.bind_prefix(&"+".into(), arg, position),
            Ast::UnaryOp { op: UnaryOperator::Minus, expr: arg } => self.bind_minus(arg, position),
            Ast::IsDistinctFrom(left, right) => self.bind_distinct(left, right, false, position),
            Ast::IsNotDistinctFrom(left, right) => self.bind_distinct(left, right, true, position),
            Ast::Between { expr: arg, negated, low, high } => self.bind_between(arg, *negated, low, high, position),
            Ast::InList { expr: arg, list, negated } => self.bind_in_list(arg, list, *negated, position),
            Ast::InSubquery { expr: arg, subquery, negated } => {
                let link = self.bind_comparison_sublink(arg, &"=".into(), false, subquery, position)?;
                Ok(if *negated { Expr::Not(Box::new(link)) } else { link })
            }
            Ast::AnyOp { left, compare_op, right, .. } => {
                self.bind_quantified(left, compare_op, right, false, position)
            }
            Ast::AllOp { left, compare_op, right } => self.bind_quantified(left, compare_op, right, true, position),
            Ast::Like { negated, expr: arg, pattern, escape_char, .. } => {
                let name = if *negated { "!~~" } else { "~~" };
                self.bind_like(name, arg, pattern, escape_char.as_deref(), position)
            }
            Ast::ILike { negated, expr: arg, pattern, escape_char, .. } => {
                let name = if *negated { "!~~*" } else { "~~*" };
                self.bind_like(name, arg, pattern, escape_char.as_deref(), position)
            }
            Ast::SimilarTo { negated, expr: arg, pattern, escape_char } => {
                self.bind_similar(*negated, arg, pattern, escape_char.as_deref(), position)
            }
            Ast::Prefixed { .. } => match node::prefix_operator(expr) {
                Some((operator, arg)) => self.bind_prefix(&operator.into(), arg, position),
                None => Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error").at(position)),
            },
            other => Err(Error::unsupported(format_args!("the expression {other}")).at(position)),
        }
    }

    /// AND and OR chains are walked without recursion: they may be long.
    fn bind_chain(&mut self, expr: &Ast, op: BinaryOperator) -> Result<Expr> {
        let construct = if op == BinaryOperator::And { "AND" } else { "OR" };
        let mut pending = vec![expr];
        let mut items = Vec::new();
        while let Some(next) = pending.pop() {
            match next {
                Ast::BinaryOp { left, op: inner, right } if *inner == op => {
                    pending.push(right);
                    pending.push(left);
                }
                leaf => {
                    let bound = self.bind_expr(leaf)?;
                    items.push(self.coerce_to_boolean(bound, construct, self.leftmost(leaf))?);
                }
            }
        }
        Ok(if op == BinaryOperator::And { Expr::And(items) } else { Expr::Or(items) })
    }

    fn bind_binary_syntax(
        &mut self,
        left: &Ast,
        op: &BinaryOperator,
        right: &Ast,
        position: Option<u32>,
    ) -> Result<Expr> {
        let name = operator_name(op);
        if let (Ast::Tuple(left), Ast::Tuple(right)) = (strip_parentheses(left), strip_parentheses(right)) {
            return self.bind_row_comparison(left, &name, right, position);
        }
        if let (Ast::Tuple(_), Ast::Subquery(query)) = (strip_parentheses(left), strip_parentheses(right)) {
            return self.bind_row_subquery(left, &name, query, position);
        }
        // Long chains of one operator lean to the left: descend without recursion.
        let mut spine = vec![(op, right, position)];
        let mut first = left;
        while let Ast::BinaryOp { left, op, right } = first {
            if matches!(op, BinaryOperator::And | BinaryOperator::Or) || is_row(left) || is_row(right) {
                break;
            }
            spine.push((op, right, self.node_position(first)));
            first = left;
        }
        let mut bound = self.bind_expr(first)?;
        while let Some((op, right, position)) = spine.pop() {
            let right = self.bind_expr(right)?;
            bound = self.bind_binary(operator_name(op), bound, right, position)?;
        }
        Ok(bound)
    }

    /// A binary operator over bound operands.
    pub(crate) fn bind_binary(
        &mut self,
        name: impl Into<OperatorName>,
        left: Expr,
        right: Expr,
        position: Option<u32>,
    ) -> Result<Expr> {
        let name = name.into();
        self.operator_call(&name, Some(left), right, position)
    }

    fn bind_prefix(&mut self, name: &OperatorName, arg: &Ast, position: Option<u32>) -> Result<Expr> {
        let bound = self.bind_expr(arg)?;
        self.operator_call(name, None, bound, position)
    }

    /// A minus sign before a numeric literal makes a negative literal (so that -2147483648 is an `int4`… as PostgreSQL's
    /// grammar does it).
    fn bind_minus(&mut self, arg: &Ast, position: Option<u32>) -> Result<Expr> {
        if let Ast::Value(value) = arg
            && let dictdb_parser::ast::Value::Number(digits, _) = &value.value
        {
            return super::literal::number(&format!("-{digits}")).map_err(|e| e.at(position));
        }
        self.bind_prefix(&"-".into(), arg, position)
    }

    pub(crate) fn operator_call(
        &mut self,
        name: &OperatorName,
        left: Option<Expr>,
        right: Expr,
        position: Option<u32>,
    ) -> Result<Expr> {
        let schema = name.schema.as_deref();
        let found = match &left {
            Some(left) => resolve::resolve_operator(&self.scope(), schema, &name.name, left.ty().oid, right.ty().oid),
            None => resolve::resolve_prefix_operator(&self.scope(), schema, &name.name, right.ty().oid),
        };
        let found = found.map_err(|e| e.at(position))?;
        let mut args = Vec::with_capacity(2);
        for (operand, target) in left.into_iter().zip(found.left).chain([(right, found.right)]) {
            args.push(self.coerce_implicit(operand, target).map_err(|e| e.at(position))?);
        }
        let function = self.operator_function(&found)?;
        let operator = Some(Arc::from(name.name.as_str()));
        let call = Call { operator, ..Call::new(function, args, Type::new(found.result), position) };
        self.collect_set(Expr::Call(Box::new(call)), position)
    }

    fn bind_distinct(&mut self, left: &Ast, right: &Ast, negated: bool, position: Option<u32>) -> Result<Expr> {
        let left = self.bind_expr(left)?;
        let right = self.bind_expr(right)?;
        // Two row constructors are compared field by field; whole rows of tables are values like any other.
        let constructed = |expr: &Expr| expr.ty().oid == oids::RECORD;
        if let (Expr::Row(a, _, _), Expr::Row(b, _, _)) = (&left, &right)
            && a.len() == b.len()
            && constructed(&left)
            && constructed(&right)
        {
            let (Expr::Row(a, _, _), Expr::Row(b, _, _)) = (left, right) else { unreachable!("both were rows") };
            let mut parts = Vec::with_capacity(a.len());
            for (left, right) in a.into_iter().zip(b) {
                parts.push(self.distinct_of(left, right, negated, position)?);
            }
            return Ok(if negated { Expr::And(parts) } else { Expr::Or(parts) });
        }
        self.distinct_of(left, right, negated, position)
    }

    fn distinct_of(&mut self, left: Expr, right: Expr, negated: bool, position: Option<u32>) -> Result<Expr> {
        let is_null = |e: &Expr| matches!(e, Expr::Const(dictdb_types::Datum::Null, ty) if ty.oid == oids::UNKNOWN);
        let tested = match (is_null(&left), is_null(&right)) {
            (_, true) => Some(&left),
            (true, false) => Some(&right),
            (false, false) => None,
        };
        // A row with NULL fields is not itself NULL here, as it is for IS NULL.
        if let Some(tested) = tested.filter(|tested| !crate::routine::is_row(self.cx, tested.ty())) {
            return Ok(Expr::IsNull(Box::new(self.resolve_any(tested.clone())?), !negated));
        }
        let (function, pair) = self.equality(left, right, position)?;
        Ok(Expr::Distinct(function, Box::new(pair), negated))
    }

    /// The equality function of two operands and the coerced operands.
    pub(crate) fn equality(
        &mut self,
        left: Expr,
        right: Expr,
        position: Option<u32>,
    ) -> Result<(Arc<crate::expr::Function>, (Expr, Expr))> {
        match self.operator_call(&"=".into(), Some(left), right, position)? {
            Expr::Call(call) if call.args.len() == 2 => {
                let mut args = call.args.into_iter();
                let pair = (args.next(), args.next());
                let (Some(left), Some(right)) = pair else { unreachable!("two arguments were counted") };
                Ok((call.function, (left, right)))
            }
            _ => Err(Error::internal("equality is not a call of two arguments")),
        }
    }

    fn bind_between(&mut self, arg: &Ast, negated: bool, low: &Ast, high: &Ast, position: Option<u32>) -> Result<Expr> {
        let (low, symmetric) = node::between_low(low);
        let range = |binder: &mut Self, low: &Ast, high: &Ast| -> Result<Expr> {
            let (lower, upper) = if negated { ("<", ">") } else { (">=", "<=") };
            let mut parts = Vec::with_capacity(2);
            for (name, bound) in [(lower, low), (upper, high)] {
                let left = binder.bind_expr(arg)?;
                let right = binder.bind_expr(bound)?;
                parts.push(binder.bind_binary(name, left, right, position)?);
            }
            Ok(if negated { Expr::Or(parts) } else { Expr::And(parts) })
        };
        let forward = range(self, low, high)?;
        if !symmetric {
            return Ok(forward);
        }
        let backward = range(self, high, low)?;
        Ok(if negated { Expr::And(vec![forward, backward]) } else { Expr::Or(vec![forward, backward]) })
    }

    /// `x IN (a, b, c)`: one array comparison when the items have a common type, else a disjunction.
    fn bind_in_list(&mut self, arg: &Ast, list: &[Ast], negated: bool, position: Option<u32>) -> Result<Expr> {
        if is_row(arg) || list.iter().any(is_row) {
            return self.bind_row_in_list(arg, list, negated, position);
        }
        let left = self.bind_expr(arg)?;
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            items.push(self.bind_expr(item)?);
        }
        let name = if negated { "<>" } else { "=" };
        let plain = |e: &Expr| !e.any(&mut |x| matches!(x, Expr::Column(..) | Expr::Sublink(_)));
        if items.len() > 1 && items.iter().all(plain) {
            let mut types = vec![left.ty()];
            types.extend(items.iter().map(Expr::ty));
            if let Ok(Type { oid: common, .. }) = self.common_type(&types, "IN")
                && common != oids::RECORD
                // The comparison would look into an array of arrays for its innermost elements.
                && self.element_of(Type::new(common)).is_none()
                && types.iter().all(|ty| self.converts_implicitly(ty.oid, common))
                && let Some(array) = self.array_type_of(Type::new(common))
            {
                let mut elements = Vec::with_capacity(items.len());
                for item in items {
                    elements.push(self.coerce_implicit(item, common).map_err(|e| e.at(position))?);
                }
                let array = Expr::Array { items: elements, nested: false, ty: array };
                return self.scalar_array(&name.into(), left, array, negated, position);
            }
        }
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            parts.push(self.bind_binary(name, left.clone(), item, position)?);
        }
        Ok(match (parts.len(), negated) {
            (1, _) => parts.remove(0),
            (_, true) => Expr::And(parts),
            (_, false) => Expr::Or(parts),
        })
    }

    fn converts_implicitly(&self, source: Oid, target: Oid) -> bool {
        let context = dictdb_functions::facts::CastContext::Implicit;
        source == target || dictdb_functions::resolve::coercion_path(&self.scope(), source, target, context).is_some()
    }

    fn bind_row_in_list(&mut self, arg: &Ast, list: &[Ast], negated: bool, position: Option<u32>) -> Result<Expr> {
        let mut parts = Vec::with_capacity(list.len());
        let name = OperatorName::from("=");
        for item in list {
            parts.push(self.bind_binary_with_rows(arg, &name, item, position)?);
        }
        let any = if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) };
        Ok(if negated { Expr::Not(Box::new(any)) } else { any })
    }

    fn bind_binary_with_rows(
        &mut self,
        left: &Ast,
        name: &OperatorName,
        right: &Ast,
        position: Option<u32>,
    ) -> Result<Expr> {
        if let (Ast::Tuple(left), Ast::Tuple(right)) = (strip_parentheses(left), strip_parentheses(right)) {
            return self.bind_row_comparison(left, name, right, position);
        }
        let left = self.bind_expr(left)?;
        let right = self.bind_expr(right)?;
        self.bind_binary(name.clone(), left, right, position)
    }

    /// `left op ANY/ALL (array or subquery)`.
    fn bind_quantified(
        &mut self,
        left: &Ast,
        op: &BinaryOperator,
        right: &Ast,
        all: bool,
        position: Option<u32>,
    ) -> Result<Expr> {
        let name = operator_name(op);
        if let Ast::Subquery(query) = right {
            return self.bind_comparison_sublink(left, &name, all, query, position);
        }
        let left = self.bind_expr(left)?;
        let right = self.bind_expr(right)?;
        self.scalar_array(&name, left, right, all, position)
    }

    fn scalar_array(
        &mut self,
        name: &OperatorName,
        left: Expr,
        array: Expr,
        all: bool,
        position: Option<u32>,
    ) -> Result<Expr> {
        let (schema, types) = (name.schema.as_deref(), (left.ty().oid, array.ty().oid));
        let found = resolve::resolve_scalar_array_operator(&self.scope(), schema, &name.name, types.0, types.1)
            .map_err(|e| e.at(position))?;
        let left = match found.operator.left {
            Some(target) => self.coerce_implicit(left, target).map_err(|e| e.at(position))?,
            None => left,
        };
        let array = self.coerce_implicit(array, found.array).map_err(|e| e.at(position))?;
        let function = self.operator_function(&found.operator)?;
        Ok(Expr::ScalarArray(Box::new(ScalarArray {
            function,
            operator: Arc::from(name.name.as_str()),
            all,
            left,
            array,
        })))
    }

    fn bind_like(
        &mut self,
        name: &str,
        arg: &Ast,
        pattern: &Ast,
        escape: Option<&Ast>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let left = self.bind_expr(arg)?;
        let mut right = self.bind_expr(pattern)?;
        if let Some(escape) = escape {
            let escape = self.bind_expr(escape)?;
            right = self.bind_call_of_values(Some("pg_catalog"), "like_escape", vec![right, escape], position)?;
        }
        self.bind_binary(name, left, right, position)
    }

    fn bind_similar(
        &mut self,
        negated: bool,
        arg: &Ast,
        pattern: &Ast,
        escape: Option<&Ast>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let left = self.bind_expr(arg)?;
        let mut args = vec![self.bind_expr(pattern)?];
        if let Some(escape) = escape {
            args.push(self.bind_expr(escape)?);
        }
        let right = self.bind_call_of_values(Some("pg_catalog"), "similar_to_escape", args, position)?;
        self.bind_binary(if negated { "!~" } else { "~" }, left, right, position)
    }

    /// `(a, b) op (c, d)`.
    fn bind_row_comparison(
        &mut self,
        left: &[Ast],
        name: &OperatorName,
        right: &[Ast],
        position: Option<u32>,
    ) -> Result<Expr> {
        let Expr::Row(left, _, _) = self.bind_row(left)? else { unreachable!("a row constructor binds to a row") };
        let Expr::Row(right, _, _) = self.bind_row(right)? else { unreachable!("a row constructor binds to a row") };
        self.compare_rows(left, name, right, position)
    }

    pub(crate) fn compare_rows(
        &mut self,
        left: Vec<Expr>,
        name: &OperatorName,
        right: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions").at(position));
        }
        if left.is_empty() {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length").at(position));
        }
        let order = row_order(name);
        if let Some(order) = order {
            let mut pairs = Vec::with_capacity(left.len());
            for (a, b) in left.into_iter().zip(right) {
                // The operator has to be there, though it is the order of the types that decides.
                self.bind_binary(name.clone(), a.clone(), b.clone(), position)?;
                pairs.push(self.ordered_pair(a, b, position)?);
            }
            return Ok(Expr::RowCompare(order, pairs));
        }
        let mut parts = Vec::with_capacity(left.len());
        for (a, b) in left.into_iter().zip(right) {
            parts.push(self.bind_binary(name.clone(), a, b, position)?);
        }
        match name.name.as_str() {
            _ if parts.len() == 1 => Ok(parts.remove(0)),
            "=" => Ok(Expr::And(parts)),
            "<>" | "!=" => Ok(Expr::Or(parts)),
            other => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("could not determine interpretation of row comparison operator {other}"),
            )
            .hint("Row comparison operators must be associated with btree operator families.")
            .at(position)),
        }
    }

    /// Two values that can be equal, as two of one type: rows are ordered by the order of their columns' types.
    fn ordered_pair(&mut self, left: Expr, right: Expr, position: Option<u32>) -> Result<(Expr, Expr)> {
        let (left, right) = self.equality(left, right, position)?.1;
        if left.ty().oid == right.ty().oid {
            return Ok((left, right));
        }
        let common =
            self.common_type(&[left.ty(), right.ty()], "row comparison").map_err(|error| error.at(position))?;
        Ok((self.coerce_implicit(left, common.oid)?, self.coerce_implicit(right, common.oid)?))
    }

    /// `(a, b) = (SELECT …)`: the subquery must give one row.
    fn bind_row_subquery(
        &mut self,
        left: &Ast,
        name: &OperatorName,
        query: &dictdb_parser::ast::Query,
        position: Option<u32>,
    ) -> Result<Expr> {
        let Ast::Tuple(items) = strip_parentheses(left) else {
            return Err(Error::internal("a row comparison without a row"));
        };
        let Expr::Row(operands, _, _) = self.bind_row(items)? else { unreachable!("a row constructor binds to a row") };
        let node = self.bind_subquery(query)?;
        let node = self.settle_unknown(node)?;
        let produced = node.columns();
        if produced.len() != operands.len() {
            let few = if produced.len() < operands.len() { "few" } else { "many" };
            let message = format!("subquery has too {few} columns");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position));
        }
        let (_, row) = self.row_of_subquery(node, &produced);
        let field =
            |(index, column): (usize, &crate::logical::Column)| Expr::Field(Box::new(row.clone()), index, column.ty);
        let fields = produced.iter().enumerate().map(field).collect();
        self.compare_rows(operands, name, fields, position)
    }

    /// The kind of a comparison sublink over bound operands and the subquery's column types.
    pub(crate) fn comparison_tests(
        &mut self,
        name: &OperatorName,
        left: Vec<Expr>,
        columns: &[Type],
        all: bool,
        position: Option<u32>,
    ) -> Result<(SublinkKind, Vec<Type>)> {
        let order = row_order(name).filter(|_| columns.len() > 1);
        let mut operands = Vec::with_capacity(left.len());
        let mut tests = Vec::with_capacity(left.len());
        let mut targets = Vec::with_capacity(left.len());
        for (operand, column) in left.into_iter().zip(columns) {
            if order.is_some() {
                // Rows are ordered by the common type of each pair.
                let common =
                    self.common_type(&[operand.ty(), *column], "row comparison").map_err(|e| e.at(position))?;
                let test = resolve::resolve_operator(&self.scope(), None, &name.name, common.oid, common.oid);
                tests.push(self.function(test.map_err(|e| e.at(position))?.function)?);
                operands.push(self.coerce_implicit(operand, common.oid).map_err(|e| e.at(position))?);
                targets.push(Type::new(common.oid));
                continue;
            }
            let (schema, left) = (name.schema.as_deref(), operand.ty().oid);
            let found = resolve::resolve_operator(&self.scope(), schema, &name.name, left, column.oid)
                .map_err(|e| e.at(position))?;
            operands.push(self.coerce_implicit(operand, found.left.unwrap_or(left)).map_err(|e| e.at(position))?);
            targets.push(if resolve::is_polymorphic(found.right) { *column } else { Type::new(found.right) });
            tests.push(self.operator_function(&found)?);
        }
        let operator = Arc::from(name.name.as_str());
        let kind = SublinkKind::Compare { all, left: operands, tests, operator, order, unknown_is_false: false };
        Ok((kind, targets))
    }
}

/// The ordering of rows that an operator asks for.
fn row_order(name: &OperatorName) -> Option<RowOrder> {
    match name.name.as_str() {
        "<" | "~<~" => Some(RowOrder::Less),
        "<=" | "~<=~" => Some(RowOrder::LessEqual),
        ">" | "~>~" => Some(RowOrder::Greater),
        ">=" | "~>=~" => Some(RowOrder::GreaterEqual),
        _ => None,
    }
}

fn is_row(expr: &Ast) -> bool {
    matches!(strip_parentheses(expr), Ast::Tuple(_))
}

/// The operator of the tree as written.
pub(crate) fn operator_name(op: &BinaryOperator) -> OperatorName {
    node::binary_operator(op).map_or_else(|| op.to_string().as_str().into(), OperatorName::from)
}
