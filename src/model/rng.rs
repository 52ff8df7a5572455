//! Randomness as an argument.

use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

/// The generator one turn draws from.
pub type TurnRng = ChaCha20Rng;

/// The source of every random value: the operating system's in production, a seed in scenarios.
///
/// A seeded source gives one stream for each key, so that a turn that runs again draws the same ids and a
/// conversation replays bit for bit.
#[derive(Debug, Clone)]
pub struct Randomness {
    seed: Option<u64>,
}

impl Randomness {
    /// The operating system's generator; `key` is ignored.
    pub fn system() -> Self {
        Self { seed: None }
    }

    /// Repeatable streams. For scenarios and tests: everything derived from it can be foretold.
    pub fn seeded(seed: u64) -> Self {
        Self { seed: Some(seed) }
    }

    /// The generator for one use, named by `key`.
    pub fn stream(&self, key: &str) -> TurnRng {
        let Some(seed) = self.seed else {
            return ChaCha20Rng::try_from_rng(&mut SysRng).unwrap_or_else(|_| unreachable_entropy());
        };
        let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(key.as_bytes()).finalize();
        ChaCha20Rng::from_seed(digest.into())
    }
}

/// The operating system refused entropy. Nothing secret may be made without it, so the process ends.
fn unreachable_entropy() -> ChaCha20Rng {
    std::process::abort()
}
