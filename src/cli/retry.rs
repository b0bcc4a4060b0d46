//! `retry`: send again what did not get through, within the same run.

use super::arguments::{Common, Output, Retry};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::resume::app;
use super::sending::{Lane, Sender};
use super::workspace::{Workspace, typed_with};
use crate::channel::Channel;
use crate::clock;
use crate::delivery::{RunState, State};
use crate::executor::{Wanted, Wish};
use crate::journal::Run;
use crate::source::{plural, thousands, unbroken};

pub(super) async fn retry(common: &Common, options: &Retry) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let journal = workspace.existing_journal().await?;
    let run = workspace.find_run(&journal, &options.run).await?;
    let wish = Wish {
        state: options.state.state(),
        group: options.group.clone(),
    };
    check(&workspace, &run, wish.state)?;
    let wanted = wish.survey(&journal, &run).await?;
    let app = app(&workspace, &run)?;
    let sender = Sender {
        workspace: &workspace,
        app,
        journal: &journal,
        output: options.output,
    };
    // Once it was begun, there may be nothing left to choose and all still to send.
    let goes_on = run.is_being_retried() && wanted.pending > 0;
    if wanted.chosen == 0 && !goes_on {
        print::say(&none(&run, &wish, &wanted));
        if options.output == Output::Json {
            sender.stand(&run).await?;
        }
        return Ok(Exit::Success);
    }
    workspace.check_access(app)?;
    tell(&run, &wish, &wanted);
    allow(&run, options, &wanted)?;
    let lane = Lane::take(&journal, &run).await?;
    let run = wish.carry_out(&journal, run).await?;
    sender.deliver(run, lane).await
}

/// What cannot be sent again now, or ever.
fn check(workspace: &Workspace, run: &Run, state: State) -> Result<(), Failure> {
    let name = run.name();
    if run.state() == RunState::Open {
        let text = format!("{name} is open: it is being sent, or was cut off");
        let command = format!("campanile pause {name}{}", workspace.flag());
        return Err(Failure::new(Exit::Safety, text)
            .help(format!("pause it first: {}", unbroken(&command))));
    }
    if run.is_cancelling() {
        let text = format!("{name} is being cancelled and has not come to its end");
        let command = format!("campanile cancel {name}{}", workspace.flag());
        return Err(
            Failure::new(Exit::Safety, text).help(format!("end it first: {}", unbroken(&command)))
        );
    }
    if run.channel == Channel::Broadcast && state == State::Unknown {
        let text = "an unknown broadcast is not sent again: nobody can tell whether it was delivered, and everybody \
                    would get it twice";
        return Err(Failure::new(Exit::Error, text));
    }
    Ok(())
}

fn none(run: &Run, wish: &Wish, wanted: &Wanted) -> String {
    let name = run.name();
    let group = match &wish.group {
        Some(group) => format!(" to {group}"),
        None => String::new(),
    };
    let left_out = match wanted.left_out {
        0 => String::new(),
        some => format!(" but {}", left_out(some)),
    };
    format!(
        "no delivery{group} of {name} is {}{left_out}; nothing is sent again",
        wish.state.name()
    )
}

fn left_out(count: u64) -> String {
    format!(
        "{} that the plan itself left out, such as a group without members, and that stays so",
        thousands(count)
    )
}

/// `12 of 400 deliveries failed and will be sent again`
fn tell(run: &Run, wish: &Wish, wanted: &Wanted) {
    let (was, is) = match wanted.chosen {
        1 => ("was", "is"),
        _ => ("were", "are"),
    };
    let ended = match wish.state {
        State::Failed => "failed".to_owned(),
        State::Unknown => format!("{is} unknown"),
        state => format!("{was} {}", state.name()),
    };
    let (chosen, planned) = (thousands(wanted.chosen), plural(run.planned, "delivery"));
    let name = run.name();
    print::say(&format!(
        "{name}: {chosen} of {planned} {ended} and will be sent again"
    ));
    if wish.state == State::Unknown {
        tell_doubt(run.channel, wanted);
    }
    if wanted.left_out > 0 {
        print::say(&format!("not sent again: {}", left_out(wanted.left_out)));
    }
    if wanted.pending > 0 {
        let pending = plural(wanted.pending, "delivery");
        print::say(&format!(
            "the run goes on, also with {pending} that had not ended"
        ));
    }
    let now_ms = clock::now().wall_ms;
    if run.finish_by_ms.is_some_and(|until| until <= now_ms) {
        print::say("the time of `finish_within` is over, and does not hold for this run any more");
    }
}

fn tell_doubt(channel: Channel, wanted: &Wanted) {
    let absent = wanted.chosen - wanted.in_doubt;
    if absent > 0 {
        print::say(&format!(
            "proved absent by the history of their groups: {}; these cannot arrive twice",
            thousands(absent)
        ));
    }
    if wanted.in_doubt > 0 {
        let why = if channel.deduplicates() {
            "the vendor tells a repetition for five minutes only"
        } else {
            "the vendor never tells a repeated notification from a new one"
        };
        print::say(&format!(
            "nobody can tell whether they were delivered: {}; {why}, so people may get the message twice",
            thousands(wanted.in_doubt)
        ));
    }
}

fn allow(run: &Run, options: &Retry, wanted: &Wanted) -> Result<(), Failure> {
    if wanted.in_doubt > 0 && !options.force {
        let text = format!("{} may arrive twice", plural(wanted.in_doubt, "message"));
        return Err(Failure::safety(text, &typed_with("--force")));
    }
    if run.channel == Channel::Broadcast && !options.force {
        let text = "a broadcast reaches everybody in every live room of the app at once";
        return Err(Failure::safety(text, &typed_with("--force")));
    }
    print::confirm(options.yes, "Send again?", "nothing was sent")
}
