//! Operator classes and families, and `ALTER OPERATOR … SET`.

use dictdb_types::Result;
use sqlparser::ast::{DataType, Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    AlterOperator, AlterOperatorFamily, CreateOperatorClass, CreateOperatorFamily, DefElem, ObjectRef,
    OperatorClassItem, Utility,
};

impl Parser<'_> {
    /// `CREATE OPERATOR CLASS …`, after these words.
    pub(super) fn create_operator_class(&mut self) -> Result<Utility> {
        let name = self.any_name()?;
        let default = self.eat_word(K::Default);
        self.expect_words(&[K::For, K::Type])?;
        let data_type = self.type_name()?;
        self.expect_word(K::Using)?;
        let method = self.col_id()?;
        let family = if self.eat_word(K::Family) { Some(self.any_name()?) } else { None };
        self.expect_word(K::As)?;
        let items = self.list(Self::operator_class_item)?;
        Ok(Utility::CreateOperatorClass(CreateOperatorClass { name, default, data_type, method, family, items }))
    }

    /// `CREATE OPERATOR FAMILY …`, after these words.
    pub(super) fn create_operator_family(&mut self) -> Result<Utility> {
        let name = self.any_name()?;
        self.expect_word(K::Using)?;
        Ok(Utility::CreateOperatorFamily(CreateOperatorFamily { name, method: self.col_id()? }))
    }

    /// `ALTER OPERATOR FAMILY name USING method ADD … | DROP …`, from the last word on.
    pub(super) fn alter_operator_family(&mut self, name: ObjectName, method: Ident) -> Result<Utility> {
        let drop = self.advance_if_any(&[K::Add, K::Drop])? == K::Drop;
        let items = match drop {
            true => self.list(Self::dropped_item)?,
            false => self.list(Self::operator_class_item)?,
        };
        Ok(Utility::AlterOperatorFamily(AlterOperatorFamily { name, method, drop, items }))
    }

    /// `SET ( … )` of an operator, from that word on.
    pub(super) fn alter_operator(&mut self, object: ObjectRef) -> Result<Utility> {
        self.expect_word(K::Set)?;
        let ObjectRef::Operator(operator) = object else { return Err(self.unexpected()) };
        let options = self.in_parens(|parser| {
            let name = parser.col_label()?;
            parser.expect(Kind::Equal)?;
            Ok(DefElem { namespace: None, name, value: Some(parser.def_value()?) })
        })?;
        Ok(Utility::AlterOperator(AlterOperator { operator, options }))
    }

    fn operator_class_item(&mut self) -> Result<OperatorClassItem> {
        match self.advance_if_any(&[K::Operator, K::Function, K::Storage])? {
            K::Storage => Ok(OperatorClassItem::Storage(self.type_name()?)),
            K::Function => {
                let number = self.integer()?;
                let types = if self.is(Kind::LeftParen) { self.in_parens(Self::type_name)? } else { Vec::new() };
                Ok(OperatorClassItem::Function { number, types, function: Some(self.function_ref()?) })
            }
            _ => {
                let number = self.integer()?;
                let (schema, name) = self.qualified_operator()?;
                let operator = ObjectName::from(schema.into_iter().chain([name]).map(Ident::new).collect::<Vec<_>>());
                let types = if self.is(Kind::LeftParen) { self.in_parens(Self::type_or_none)? } else { Vec::new() };
                let mut order_family = None;
                if self.eat_word(K::For) && self.advance_if_any(&[K::Search, K::Order])? == K::Order {
                    self.expect_word(K::By)?;
                    order_family = Some(self.any_name()?);
                }
                Ok(OperatorClassItem::Operator { number, operator: Some(operator), types, order_family })
            }
        }
    }

    fn type_or_none(&mut self) -> Result<Option<DataType>> {
        if self.eat_word(K::None) { Ok(None) } else { self.type_name().map(Some) }
    }

    fn dropped_item(&mut self) -> Result<OperatorClassItem> {
        let word = self.advance_if_any(&[K::Operator, K::Function])?;
        let number = self.integer()?;
        let types = self.in_parens(Self::type_name)?;
        Ok(match word {
            K::Function => OperatorClassItem::Function { number, types, function: None },
            _ => OperatorClassItem::Operator {
                number,
                operator: None,
                types: types.into_iter().map(Some).collect(),
                order_family: None,
            },
        })
    }
}
