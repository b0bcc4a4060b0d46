//! Input that nobody meant to write: text, near misses of what is right, and bytes, from a seed that is the same each time.
//!
//! A short run is part of the tests. `FUZZ_INPUTS=100000 cargo test --release --test all -- fuzz` tries more inputs of
//! each target, and `FUZZ_SEED` draws different ones; `tests/long fuzz` does both.

mod inputs;
mod targets;
mod whole;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Inputs of each target in a short run.
const INPUTS: u32 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Holds a target against its inputs; the smallest that fails is told.
fn fuzz<S: Strategy>(inputs: &S, target: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = number("FUZZ_INPUTS").and_then(|cases| u32::try_from(cases).ok());
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("FUZZ_SEED").unwrap_or(1).to_be_bytes());
    let config = Config {
        cases: cases.unwrap_or(INPUTS),
        failure_persistence: None,
        ..Config::default()
    };
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, chance);
    if let Err(failure) = runner.run(inputs, target) {
        panic!("{failure}");
    }
}
