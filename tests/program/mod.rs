//! The program as its users meet it: real processes, real sockets, real signals.

mod absent;
mod answers;
mod arrivals;
mod browsing;
mod channels;
mod complaints;
mod corpus;
mod documents;
mod drills;
mod drills_of_the_journal;
mod examples;
mod faults;
mod findings;
mod fit;
mod fixing;
mod handover;
mod hostile;
mod journals;
mod kills;
mod lane;
mod manual;
mod newcomer;
mod operator;
mod pairs;
mod place;
mod preview;
mod requests;
mod restored;
mod retry;
mod running;
mod runs;
mod samples;
mod sandbox;
mod schedules;

mod secrets;
mod settings;
mod shapes;
mod showing;
mod testing;
mod traps;
mod vendor;
mod warnings;
mod wire;

pub(crate) use examples::{BROKEN, broken, examples};
pub(crate) use place::{Place, campanile};
