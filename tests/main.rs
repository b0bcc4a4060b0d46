//! Everything that is tried from outside a room: the rules of the house, simulated worlds, and the program itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod simulation;
