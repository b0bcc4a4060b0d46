//! What somebody must know to say yes.

use super::print;
use super::run::Request;
use crate::campaign::Campaign;
use crate::executor::Staged;
use crate::journal::Run;
use crate::plan::Header;
use crate::settings::App;
use crate::source::plural;

/// A line each; those after the first line of a value have no name.
type Facts = Vec<(&'static str, String)>;

const RUNS_SHOWN: usize = 3;
const TEXT_SHOWN: usize = 200;

pub(super) fn tell(request: &Request<'_>, staged: &Staged, runs: &[Run]) {
    let campaign = request.campaign;
    let header = &staged.header;
    let facts = [
        of_campaign(campaign),
        of_place(request, runs),
        of_calls(header, campaign, request.app),
        of_text(header),
    ];
    for (name, value) in facts.concat() {
        print::say(&format!("{name:<11}{value}"));
    }
}

fn of_campaign(campaign: &Campaign) -> Facts {
    let labels = campaign.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let given = [
        ("campaign", Some(campaign.name.to_string())),
        ("", campaign.description.clone()),
        ("owner", campaign.owner.clone()),
        ("labels", Some(labels.join(", "))),
    ];
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
}

fn of_place(request: &Request<'_>, runs: &[Run]) -> Facts {
    let Request {
        workspace,
        journal,
        app,
        ..
    } = request;
    let endpoint = if workspace.is_sandbox() {
        "the sandbox on this machine"
    } else {
        &app.endpoint
    };
    let earlier: Vec<String> = runs
        .iter()
        .take(RUNS_SHOWN)
        .map(|run| format!("{} ({})", run.name(), run.state().name()))
        .collect();
    let earlier = if earlier.is_empty() {
        "none".to_owned()
    } else {
        earlier.join(", ")
    };
    let place = workspace.shown(journal.path());
    vec![
        (
            "app",
            format!("{} (SDKAppID {}) at {endpoint}", app.role, app.sdk_app_id),
        ),
        ("journal", format!("{place}; earlier runs: {earlier}")),
    ]
}

fn of_calls(header: &Header, campaign: &Campaign, app: &App) -> Facts {
    let rules = &campaign.rules;
    let limit = f64::from(header.channel.limit(&app.limits));
    let rate = rules.rate.map_or(limit, |rate| rate.min(limit));
    #[expect(clippy::cast_precision_loss, reason = "a duration for people")]
    let seconds = header.planned as f64 / rate;
    let calls = plural(header.planned, "call");
    let mut facts = vec![
        ("channel", format!("{}, {calls}", header.channel.name())),
        ("takes", format!("about {seconds:.0} s at {rate} a second")),
    ];
    let window = rules.window.map(|window| format!("first calls {window}"));
    facts.extend(window.map(|window| ("window", window)));
    let pause = rules.pause_after.map(|calls| plural(calls, "call"));
    facts.extend(pause.map(|calls| ("pauses", format!("after {calls}"))));
    facts
}

fn of_text(header: &Header) -> Facts {
    let letters = header.first_text.iter().flat_map(|text| text.chars());
    let text: String = letters.take(TEXT_SHOWN).collect();
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| {
            let line = line.chars().filter(|each| !each.is_control()).collect();
            (if at == 0 { "first" } else { "" }, line)
        })
        .collect()
}
