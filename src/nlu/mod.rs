//! The local classifier: a linear model over words and pieces of words, trained at start from utterances.
//!
//! [`Row`]s of text and label become sparse features, one weight vector per label separates them, and a
//! temperature fitted on held-out rows turns margins into probabilities that can be believed; where rows of no label were
//! given, a second fit tells what is none of them. Training is deterministic, answering takes microseconds, and both are
//! pure; a trained model may be kept in a file (`cache.rs`).
//!
//! It does not know what a label stands for, which slots or routes exist, nor what is done with an answer below
//! somebody's threshold: it is as good for another set of labels.
//!
//! Adding an utterance: a line in `fixtures/utterances/LABEL.jsonl`. Adding a label: a file there and its line in
//! `row.rs`. Adding a kind of feature: a block in `features.rs`. Adding a file of code that training rests on: its line in
//! `cache.rs`.

mod cache;
mod calibrate;
mod codec;
mod error;
mod features;
mod folds;
mod model;
mod row;
mod scope;
mod svm;
mod text;
mod train;
mod vocabulary;

pub use error::Error;
pub use model::{Model, Outside, Score, Scores};
pub use row::{Context, Row, parse_rows, utterances};
