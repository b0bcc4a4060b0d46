//! The program as its users meet it: real processes, real sockets, real signals.

mod answers;
mod channels;
mod complaints;
mod drills;
mod drills_of_the_journal;
mod examples;
mod faults;
mod fit;
mod handover;
mod kills;
mod lane;
mod place;
mod requests;
mod runs;
mod samples;
mod sandbox;
mod schedules;

mod secrets;
mod settings;
mod shapes;
mod traps;
mod vendor;
mod wire;

pub(crate) use place::campanile;
