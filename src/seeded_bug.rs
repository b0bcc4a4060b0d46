//! Bugs that are built in on purpose, so that `tests/seeded_bugs` can show that the tests catch them.
//!
//! Knows the names of the bugs and which of them is active. Must never make a difference to a program that was built
//! without the feature `seeded-bugs`: the compiler then removes every bug.

/// A bug that the environment variable `SEEDED_BUG` activates by its name in kebab case, one in a process.
///
/// The list below each bug is the only record of the tests that catch it: `lib` is `cargo test --lib`, `all` is
/// `cargo test --test all`. `tests/seeded_bugs` and `tests/house.rs` read it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "seeded-bugs", derive(clap::ValueEnum))]
pub(crate) enum SeededBug {
    /// One lookup that does not find a message proves that it never arrived.
    ///
    /// - lib: `delivery::silence::tests::two_looks_half_a_minute_apart_prove_it_some_minutes_later`
    AbsentAtOnce,
    /// The daemon moves a schedule's cursor past an occurrence while that is still being planned.
    ///
    /// - all: `program::serving::killed_while_it_plans_at_a_slot_it_loses_nothing`
    CheckpointMovedEarly,
    /// A lane that ends closes the connections of the other lanes.
    ///
    /// - all: `program::serving::a_lane_that_has_nothing_to_do_ends_alone`
    ConnectionsShared,
    /// The system may write a core file, which holds the secret key.
    ///
    /// - all: `program::secrets::killed_program_leaves_no_core_file`
    CoreFiles,
    /// A run ends with the number of acceptances that this process saw, not with that of the journal.
    ///
    /// - all: `program::runs::killed_half_way_the_same_command_goes_on`
    CountsFromMemory,
    /// The writer reports entries as durable before the journal commits them: calls leave and deliveries count early.
    ///
    /// - all: `program::kills::no_call_leaves_before_it_is_written_down`
    DurableBeforeCommit,
    /// A write that failed is repeated without reading from the journal whether it is there.
    ///
    /// - lib: `journal::writer::tests::what_was_committed_before_the_outage_is_not_written_again`
    FateAssumed,
    /// The journal's texts are read at any length.
    ///
    /// - all: `program::hostile_journals::texts_of_a_gigabyte_are_not_read`
    GigabyteOfText,
    /// An occurrence is sent however late it is.
    ///
    /// - lib: `scheduler::tests::year::who_was_away_sends_the_latest_in_time_and_misses_the_others`
    HoweverLate,
    /// `check --fix` shows a change of the settings with the secret key in it.
    ///
    /// - all: `program::fixing::a_key_in_a_wrong_place_is_never_shown`
    KeyInADifference,
    /// A schedule whose file is invalid when the daemon starts is not taken from the journal.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    InvalidAtStartForgotten,
    /// Two processes send on one lane.
    ///
    /// - all: `program::runs::two_processes_never_share_a_lane`
    LaneNotLocked,
    /// The last of many files is not validated.
    ///
    /// - lib: `catalog::parallel::tests::things_are_taken_in_order_until_one_fails`
    LastFileLost,
    /// Whether an occurrence is too late is decided only when its plan is ready.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    LatenessAfterPlanning,
    /// One journal read authorizes sending forever, also for a process that was stopped meanwhile.
    ///
    /// - lib: `executor::permit::tests::a_permit_runs_out_unless_the_journal_is_read_again`
    /// - all: `program::drills::what_was_paused_while_its_process_was_stopped_stays`
    LeaseWithoutEnd,
    /// A call leaves however long ago the dispatcher released it.
    ///
    /// - all: `simulation::storm::what_was_about_to_leave_when_time_stood_still_stays`
    LeavesHoweverLate,
    /// A call takes no slot of the limiter.
    ///
    /// - all: `simulation::the_limit_is_reached_and_never_passed`
    LimiterNotCharged,
    /// Look-ups before a run go on though the operator has paused or cancelled it.
    ///
    /// - all: `program::operator::run_that_waits_for_look_ups_of_a_vendor_that_is_away_is_cancelled_at_once`
    /// - all: `program::operator::own_run_that_waits_for_look_ups_of_a_vendor_that_is_away_heeds_the_operator`
    LookUpsNotInterrupted,
    /// A call that may have arrived is repeated with a new `Random`.
    ///
    /// - all: `simulation::lost_replies_double_nothing`
    NewRandomOnResend,
    /// An absence is reported once for every occurrence.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    NoticePerOccurrence,
    /// A notification is repeated as if Tencent deduplicated notifications.
    ///
    /// - all: `program::kills::a_notification_without_an_answer_is_never_sent_again`
    NotificationResent,
    /// An occurrence that has its state gets another one.
    ///
    /// - lib: `scheduler::tests::year::what_has_its_state_gets_no_other`
    OccurrenceSentAgain,
    /// A run is over before its last entries are durable.
    ///
    /// - all: `program::kills::a_run_is_not_over_before_its_last_entry_is_written_down`
    OverBeforeDurable,
    /// A part of the program that panics does not start again.
    ///
    /// - lib: `containment::tests::part_that_panics_runs_again_until_it_returns`
    PartEndsOnPanic,
    /// A schedule that the daemon sees for the first time sends past occurrences.
    ///
    /// - all: `program::serving::what_is_past_when_it_is_first_seen_is_never_sent`
    PastFires,
    /// The lane ignores a pause that ended before the lane saw it.
    ///
    /// - all: `program::operator::run_paused_and_resumed_between_two_polls_stops_where_the_resume_says`
    PauseOverlooked,
    /// The plan of the next occurrence replaces that of the one that is due, which waits forever.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    PlanReplacedByNext,
    /// A worker makes each plan to its end, whatever becomes due meanwhile.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    PlansOneAfterAnother,
    /// The daemon sends a plan that was made before the files were edited.
    ///
    /// - all: `program::serving::an_edit_before_the_slot_is_what_is_sent`
    ProvisionalPlanKept,
    /// An occurrence in the queue is not decided again when the run before it ends.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    QueueNotDecidedAgain,
    /// A refused repetition proves that the attempts before it were not delivered.
    ///
    /// - lib: `delivery::tests::fold::nothing_is_called_undelivered_without_proof`
    /// - all: `program::faults::a_repetition_that_is_refused_is_found_in_the_history`
    RefusalSettlesEarlier,
    /// A clock that was set back makes nothing due again that it had passed.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    RewindsToNow,
    /// A template that never ends is rendered for every target.
    ///
    /// - all: `program::hostile::what_has_no_end_is_not_tried_for_every_row`
    RunawayForEveryRow,
    /// The dispatcher sends a call before its `Started` entry is durable.
    ///
    /// - all: `simulation::a_process_killed_anywhere_goes_on_where_it_was`
    SendBeforeCommit,
    /// The limiter frees a slot a second after the decision to send, though the call has not left.
    ///
    /// - all: `simulation::storm::the_window_holds_however_long_connecting_takes`
    SlotFreeBeforeItLeft,
    /// A clock step keeps everything else waiting for the next event.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    StepEndsTheRound,
    /// A throttled or failed repetition proves that the attempts before it were not delivered.
    ///
    /// - lib: `delivery::tests::fold::nothing_is_called_undelivered_without_proof`
    ThrottleSettlesEarlier,
    /// The program writes to a journal that holds a foreign trigger.
    ///
    /// - all: `program::hostile_journals::what_acts_in_the_place_of_a_table_is_refused`
    TriggerInTheJournal,
    /// A campaign waits forever for an answer.
    ///
    /// - all: `simulation::scheduler::random_worlds_of_campaigns_keep_every_promise_of_the_scheduler`
    WaitWithoutDeadline,
    /// The dispatcher forgets what the previous owner of the lane sent in this second.
    ///
    /// - all: `simulation::a_process_killed_anywhere_goes_on_where_it_was`
    WindowForgotten,
    /// The journal does not return when the lane was last used.
    ///
    /// - lib: `journal::tests::the_next_holder_of_a_lane_knows_when_it_was_last_used`
    WindowNotRead,
}

impl SeededBug {
    /// Returns whether this process runs with the bug.
    #[cfg(feature = "seeded-bugs")]
    pub(crate) fn is_active(self) -> bool {
        static ACTIVE: std::sync::LazyLock<Option<SeededBug>> = std::sync::LazyLock::new(active);
        *ACTIVE == Some(self)
    }

    /// Returns false.
    #[cfg(not(feature = "seeded-bugs"))]
    #[expect(clippy::unused_self, reason = "the feature makes a difference")]
    pub(crate) const fn is_active(self) -> bool {
        false
    }
}

/// Reads the bug from the environment. Panics at an unknown name: its test would seem to miss the bug.
#[cfg(feature = "seeded-bugs")]
#[expect(
    clippy::disallowed_methods,
    reason = "every module has bugs, and none is given them as an argument"
)]
fn active() -> Option<SeededBug> {
    let name = std::env::var("SEEDED_BUG").ok()?;
    let bug = clap::ValueEnum::from_str(&name, false);
    Some(bug.expect("`SEEDED_BUG` names a bug of `src/seeded_bug.rs`"))
}
