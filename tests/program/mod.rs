//! The program as its users meet it: real processes, real sockets, real signals.

mod answers;
mod arrivals;
mod channels;
mod complaints;
mod examples;
mod faults;
mod fit;
mod handover;
mod journals;
mod lane;
mod operator;
mod place;
mod preview;
mod requests;
mod restored;
mod retry;
mod runs;
mod samples;
mod sandbox;
mod schedules;
mod settings;
mod shapes;
mod traps;
mod vendor;
mod wire;

pub(crate) use place::campanile;
