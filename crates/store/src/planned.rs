//! Statements that are planned once for each connection.
//!
//! diesel plans each UPDATE anew, because a change set may leave out columns and then has another text, and writes the
//! text of each DELETE and INSERT anew to find its plan. The statements here always have the same text, and both take
//! longer than to run them.
//!
//! An UPDATE must be one with RETURNING that is loaded: what diesel runs by `execute` it plans anew all the same.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement with one text, known by the place in the code that makes it. Made by [`planned!`].
pub(crate) struct Planned<Place, Statement> {
    statement: Statement,
    place: PhantomData<Place>,
}

impl<Place, Statement> Planned<Place, Statement> {
    pub(crate) const fn new(statement: Statement) -> Self {
        Self { statement, place: PhantomData }
    }
}

impl<Place, Statement, DB> QueryFragment<DB> for Planned<Place, Statement>
where
    DB: Backend,
    Statement: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Place: 'static, Statement> QueryId for Planned<Place, Statement> {
    type QueryId = Place;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Place, Statement: Query> Query for Planned<Place, Statement> {
    type SqlType = Statement::SqlType;
}

impl<Place, Statement, Connection> RunQueryDsl<Connection> for Planned<Place, Statement> {}

/// Has a statement planned once. Its text must be the same whenever this line is reached: no list of values of varying
/// length, no optional column, and not within a generic function.
macro_rules! planned {
    ($statement:expr) => {{
        enum Place {}
        $crate::planned::Planned::<Place, _>::new($statement)
    }};
}
pub(crate) use planned;
