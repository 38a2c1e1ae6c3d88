//! Stages: each maps a ticket to a ticket.
pub trait Stage: Send + Sync {}
