//! What the store promises, on both databases.

mod apply;
mod challenges;
mod concurrency;
mod device_data;
mod effects;
mod identity;
mod isolation;
mod open;
mod schema;
mod talk;
