//! Everything that is tried from outside a room: the rules of the house, simulated worlds, and the program itself.

mod simulation;
