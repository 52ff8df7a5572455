//! The form of a kept model: a mark, the key, its parts one after another with their lengths, and a digest over all.
//! Numbers are little-endian.

use sha2::{Digest, Sha256};

use super::Model;
use super::cache::KEY;
use super::scope::{SCORES, Scope};
use super::svm::Weights;
use super::vocabulary::{Parts, Vocabulary};

/// What a file begins with.
const MARK: &[u8] = b"vestibule nlu 1\n";
/// Bytes of the digest.
const DIGEST: usize = 32;

/// Writes a model.
pub(super) fn encode(model: &Model, key: &[u8; KEY]) -> Vec<u8> {
    let Parts { features, idf, unknown } = model.vocabulary.parts();
    let mut out = MARK.to_vec();
    out.extend(key);
    length(&mut out, model.labels.len());
    for label in &model.labels {
        length(&mut out, label.len());
        out.extend(label.as_bytes());
    }
    length(&mut out, features.len());
    out.extend(features.iter().flat_map(|n| n.to_le_bytes()));
    out.extend(idf.iter().flat_map(|n| n.to_le_bytes()));
    out.extend(unknown.to_le_bytes());
    length(&mut out, model.weights.labels);
    out.extend(model.weights.flat.iter().flat_map(|n| n.to_le_bytes()));
    out.extend(model.sharpness.to_le_bytes());
    let scope = model.scope.iter().flat_map(|s| s.terms.as_flattened().iter().chain([&s.bias, &s.threshold]));
    out.extend(scope.flat_map(|n| n.to_le_bytes()));
    let digest = Sha256::digest(&out);
    out.extend(digest);
    out
}

fn length(out: &mut Vec<u8>, length: usize) {
    out.extend(u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
}

/// Reads a model; `None` where it is not whole or has another key.
pub(super) fn decode(bytes: &[u8], key: &[u8; KEY]) -> Option<Model> {
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if Sha256::digest(body).as_slice() != digest {
        return None;
    }
    let mut rest = Bytes(body.strip_prefix(MARK)?.strip_prefix(key)?);
    let labels = (0..rest.length()?).map(|_| rest.text()).collect::<Option<Vec<String>>>()?;
    let count = rest.length()?;
    let features = rest.many(count, u64::from_le_bytes)?;
    let idf = rest.many(count, f32::from_le_bytes)?;
    let unknown = rest.one(f32::from_le_bytes)?;
    let columns = rest.length()?;
    let flat = rest.many(count.checked_mul(columns)?, f32::from_le_bytes)?;
    let sharpness = rest.one(f64::from_le_bytes)?;
    let scope = if rest.0.is_empty() { None } else { Some(rest.scope()?) };
    let vocabulary = Vocabulary::of(Parts { features, idf, unknown })?;
    let weights = Weights { flat, labels: columns };
    rest.0.is_empty().then_some(Model { labels, vocabulary, weights, sharpness, scope })
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn one<T, const N: usize>(&mut self, of: fn([u8; N]) -> T) -> Option<T> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(of(*head))
    }

    fn many<T, const N: usize>(&mut self, count: usize, of: fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (head, tail) = self.0.split_at_checked(count.checked_mul(N)?)?;
        self.0 = tail;
        let (chunks, _) = head.as_chunks::<N>();
        Some(chunks.iter().map(|chunk| of(*chunk)).collect())
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.one(u64::from_le_bytes)?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.many(length, u8::from_le_bytes)?).ok()
    }

    fn scope(&mut self) -> Option<Scope> {
        let mut terms = [[0.0; 3]; SCORES];
        for number in terms.as_flattened_mut() {
            *number = self.one(f64::from_le_bytes)?;
        }
        Some(Scope { terms, bias: self.one(f64::from_le_bytes)?, threshold: self.one(f64::from_le_bytes)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Row};
    use super::*;

    #[test]
    fn a_model_with_a_scope_comes_back_whole() {
        let row = |text: &str, label: &str| Row {
            text: text.to_owned(),
            label: label.to_owned(),
            context: Context::default(),
        };
        let rows = ["red", "rot", "rosso", "blue", "blau", "blu"]
            .map(|t| row(t, if t.starts_with('r') { "r" } else { "b" }));
        let model = Model::train_with(&rows, &[row("green", ""), row("verde", "")], 3).unwrap();
        let bytes = encode(&model, &[7; KEY]);
        assert!(decode(&bytes, &[7; KEY]).as_ref() == Some(&model));
        assert!(decode(&bytes, &[8; KEY]).is_none());
        assert!(decode(&bytes[..40], &[7; KEY]).is_none());
    }
}
