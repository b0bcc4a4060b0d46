//! Everything that is tried from outside a room: the rules of the house, simulated worlds, independent
//! programs beside ours, and the program itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test makes its own files and processes"
)]

mod codes;
mod comparison;
mod fuzz;
mod house;
mod packaging;
mod program;
mod simulation;
