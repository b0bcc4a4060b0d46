//! The program as its users meet it: real processes, real sockets, real signals.

mod channels;
mod complaints;
mod examples;
mod place;
mod requests;
mod runs;
mod schedules;
mod settings;
mod shapes;
mod traps;
mod vendor;

pub(crate) use place::campanile;
