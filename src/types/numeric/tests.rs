//! Expectations are PostgreSQL 15's own answers.
