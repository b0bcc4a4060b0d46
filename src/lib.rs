//! Campanile: campaigns in git, delivered to Tencent Cloud Chat groups, every call accounted for.
//!
//! Data flows one way: YAML text, Spec (as written), Campaign (as meant), Targets, rendered requests, Plan, Journal,
//! Dispatcher, vendor call, Outcome, Journal, Report. The only thing that comes back is an Outcome into the Dispatcher.
//!
//! The order of the `mod` lines below is the rank: a room imports only rooms above its own line, and a test reads that.
//!
//! What never happens: no room above `clock` performs I/O or asks what time it is; nothing but `clock` reads a clock,
//! nothing but `files` a file, nothing but `journal` the database, nothing but `vendor` speaks to the vendor, nothing but
//! `daemon` to webhooks and probes, and nothing but `cli` prints. There is no source of chance. `sandbox` shares no
//! code with the client it tests.

pub(crate) mod seeded_bug;

pub(crate) mod containment;

pub(crate) mod source;

pub(crate) mod identity;

pub(crate) mod template;

pub(crate) mod schedule;

pub(crate) mod audience;

pub(crate) mod settings;

pub(crate) mod message;

pub(crate) mod channel;

pub(crate) mod campaign;

pub(crate) mod delivery;

pub(crate) mod plan;

pub(crate) mod dispatch;

pub(crate) mod scheduler;

pub(crate) mod report;

pub(crate) mod clock;

pub(crate) mod process;

pub(crate) mod files;

pub(crate) mod catalog;

pub(crate) mod journal;

pub(crate) mod vendor;

pub(crate) mod executor;

pub(crate) mod daemon;

pub(crate) mod sandbox;

pub(crate) mod cli;

pub use cli::main;

/// What benches, fuzz targets and tests use, and nobody else.
pub mod workbench {
    pub use crate::campaign::Campaign;
    pub use crate::catalog::{Catalog, Changes, Entry as CatalogEntry, Invalid, Stale};
    pub use crate::catalog::{Watch, Watched};
    pub use crate::channel::{Answer, Channel, Class, Code, Failure, Outcome, Receipt, Reply};
    pub use crate::channel::{Ask, GroupFacts, HistoryItem, HistoryPage, LookupFailure};
    pub use crate::channel::{Placeholder, Request, Scope, Told, codes, decode, explain};
    pub use crate::cli::{LogFormat, shown};
    pub use crate::daemon::{Event, LaneName, Level, Next};
    pub use crate::daemon::{Heartbeat, ListenError, Notifier, Probes, Readiness, SetupError};
    pub use crate::daemon::{Supervisor, SupervisorError, Target, Unresolved};
    pub use crate::delivery::{
        Counts, Delivery, Earlier, End, EndReason, Entry, Finding, Patience, Policy, Search, State,
        Unclear, Wanted,
    };
    pub use crate::dispatch::{Bounds, CallId, Dispatcher, Halt, Job, Lane, Queue, RunTag, Step};
    pub use crate::executor::Draft;
    pub use crate::files::Repository;
    pub use crate::identity::{
        CampaignName, DeliveryNumber, Digest, GroupId, Moment, Random, RecentRandoms, RunName,
        SdkAppId, VendorApp,
    };
    pub use crate::plan::{Frame, always};
    pub use crate::sandbox::{Faults, Options as SandboxOptions, Sandbox, Statistics};
    pub use crate::schedule::{Cron, Dst, Note, Occurrence, Overlap, Schedule, Slot, parse_zone};
    pub use crate::scheduler::{Civil, Decided, Disposition, Grounds, PausedBy, Reason};
    pub use crate::scheduler::{
        Cursor, Definition, Departure, Effect, EffectId, Event as SchedulerEvent, Fault,
        JournalView, Notice as SchedulerNotice, OpenResult, OpenRun, PlanQueue, SLICE, ScheduleKey,
        Scheduler, Waiting,
    };
    pub use crate::settings::{Hours, Notice, OnUnknown, Settings};
    pub use crate::source::{Diagnostic, Source, Span, Spanned, render};
}
