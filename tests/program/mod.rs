//! The program as its users meet it: real processes, real sockets, real signals.

mod answers;
mod arrivals;
mod browsing;
mod channels;
mod complaints;
mod corpus;
mod drills;
mod drills_of_the_journal;
mod examples;
mod faults;
mod findings;
mod fit;
mod handover;
mod journals;
mod kills;
mod lane;
mod newcomer;
mod operator;
mod pairs;
mod place;
mod preview;
mod requests;
mod restored;
mod retry;
mod runs;
mod samples;
mod sandbox;
mod schedules;

mod secrets;
mod settings;
mod shapes;
mod showing;
mod traps;
mod vendor;
mod wire;

pub(crate) use place::campanile;
