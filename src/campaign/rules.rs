//! The rules between the parts of a campaign.

use super::CampaignSpec;
use crate::audience::NO_AUDIENCE;
use crate::channel::{Channel, Send};
use crate::schedule::Schedule;
use crate::settings::{DeliverySpec, OnUnknown, Window};
use crate::source::Diagnostic;

/// A broadcast reaches every live room; all else needs to be told whom it reaches.
pub(super) fn check_audience(spec: &CampaignSpec, send: &Send, complaints: &mut Vec<Diagnostic>) {
    match (send.channel(), &spec.audience) {
        (Channel::Broadcast, Some(audience)) => {
            let message = "a broadcast reaches all live rooms of the app and takes no audience";
            complaints.push(
                Diagnostic::error("broadcast-audience", &audience.span, message)
                    .also(send.span(), "the broadcast is here")
                    .help("drop `audience`, or send a `group_message` to these groups"),
            );
        }
        (Channel::GroupMessage | Channel::Notification, None) => {
            let message = "the campaign has no `audience`";
            complaints.push(
                Diagnostic::error(NO_AUDIENCE, send.span(), message)
                    .help("add `audience: { groups: [\"@TGS#...\"] }`"),
            );
        }
        _ => {}
    }
}

/// No first attempt is made outside the window, so an occurrence that is fixed to such a time could not begin.
pub(super) fn outside_window(
    schedule: &Schedule,
    window: Window,
    delivery: Option<&DeliverySpec>,
) -> Option<Diagnostic> {
    let times = schedule.fixed_times();
    let outside = times.iter().find(|time| !window.contains(time.value))?;
    let message = format!(
        "the occurrence at {} lies outside the window {window} of the delivery",
        outside.value.format("%H:%M")
    );
    let help = "choose a time inside the window, or widen it";
    let complaint = Diagnostic::error("outside-window", &outside.span, message).help(help);
    let written = delivery.and_then(|delivery| delivery.window.as_ref());
    Some(match written {
        Some(window) => complaint.also(&window.span, "the window is here"),
        None => complaint,
    })
}

/// What a delivery of unknown outcome may come to depends on the channel.
pub(super) fn check_policy(
    spec: &CampaignSpec,
    channel: Channel,
    on_unknown: OnUnknown,
    complaints: &mut Vec<Diagnostic>,
) {
    let Some(send) = spec
        .send
        .as_ref()
        .filter(|_| on_unknown == OnUnknown::Resend)
    else {
        return;
    };
    let delivery = spec.delivery.as_ref();
    let written = delivery.and_then(|delivery| delivery.on_unknown.as_ref());
    let place = written.map_or(&send.span, |written| &written.span);
    let complaint = match channel {
        // Only what its group's history proves absent is sent again.
        Channel::GroupMessage => no_history(spec).map(|what| {
            let message = format!("`on_unknown: resend` does nothing here: {what} is in no group's history, so what is unknown stays so");
            Diagnostic::warning("no-history", place, message)
        }),
        Channel::Notification => {
            let message = "`on_unknown: resend` may double a notification: the vendor tells no repetition from a new one";
            Some(Diagnostic::warning("may-double", place, message))
        }
        Channel::Broadcast => {
            let message = "`on_unknown: resend` is not for broadcasts: nobody can tell whether one arrived, and it would reach everybody twice";
            Some(Diagnostic::error("no-resend", place, message))
        }
    };
    let complaint = complaint.map(|complaint| complaint.help("write `on_unknown: hold`"));
    complaints.extend(complaint.map(|complaint| match written {
        Some(_) => complaint.also(&send.span, "this is what is sent"),
        None => complaint,
    }));
}

/// Why no history will tell whether a group message arrived.
fn no_history(spec: &CampaignSpec) -> Option<&'static str> {
    let message = spec.send.as_ref()?.group_message.as_ref()?;
    let audience = spec.audience.as_ref();
    let online_only = message.online_only.as_ref();
    if audience.is_some_and(|each| each.members.is_some() || each.member_files.is_some()) {
        Some("a message to chosen members")
    } else if online_only.is_some_and(|online| online.value) {
        Some("a message for those who are online")
    } else {
        message.topic.as_ref().map(|_| "a message in a topic")
    }
}

/// The limit holds whatever a campaign asks for, and takes longer than somebody hoped.
pub(super) fn over_limit(delivery: Option<&DeliverySpec>, limit: u32) -> Option<Diagnostic> {
    let rate = delivery?.rate.as_ref()?;
    if rate.value <= f64::from(limit) {
        return None;
    }
    let message = format!("the app may make {limit} calls a second, and no more will be made");
    let help = format!(
        "write `rate: {limit}`, or raise the app's limit in the settings if the vendor did"
    );
    Some(Diagnostic::warning("rate-over-limit", &rate.span, message).help(help))
}

#[cfg(test)]
mod tests {
    use crate::campaign::{Campaign, Texts};
    use crate::settings::Settings;
    use crate::source::{Severity, Source};

    /// What is said of `on_unknown: resend`, whether it stands in the campaign or in the defaults.
    fn said(campaign: &str) -> Vec<(Severity, &'static str)> {
        let read = |defaults: &str, campaign: &str| {
            let settings =
                format!("apps: {{ main: {{ sdk_app_id: 1, region: singapore }} }}\n{defaults}");
            let settings = Settings::read(&Source::new("campanile.yaml", settings), &[]).unwrap();
            let source = Source::new("news.yaml", campaign);
            let complaints = match Campaign::read(&source, &settings, &Texts::new()) {
                Ok(campaign) => campaign.warnings,
                Err(complaints) => complaints,
            };
            let found = complaints.into_iter();
            let mut found: Vec<_> = found
                .map(|complaint| (complaint.severity, complaint.code))
                .collect();
            found.sort_by_key(|(_, code)| *code);
            found
        };
        let own = format!("{campaign}delivery: {{ on_unknown: resend }}\n");
        let said = read("", &own);
        let defaults = "defaults: { delivery: { on_unknown: resend } }\n";
        assert_eq!(read(defaults, campaign), said);
        said
    }

    #[test]
    fn who_may_send_again_what_is_unknown_depends_on_the_channel() {
        let broadcast = "send: { broadcast: { text: \"x\" } }\n";
        assert_eq!(said(broadcast), [(Severity::Error, "no-resend")]);
        let audience = "audience: { groups: [g1] }\n";
        let message = format!("{audience}send: {{ group_message: {{ text: \"x\" }} }}\n");
        assert_eq!(said(&message), []);
        let silent = [(Severity::Warning, "no-history")];
        let members = "audience: { groups: [g1], members: [peter] }\n";
        let to_members = format!("{members}send: {{ group_message: {{ text: \"x\" }} }}\n");
        assert_eq!(said(&to_members), silent);
        let online =
            format!("{audience}send: {{ group_message: {{ text: \"x\", online_only: true }} }}\n");
        assert_eq!(said(&online), silent);
        let notification = format!("{audience}send: {{ notification: {{ text: \"x\" }} }}\n");
        let warned = [
            (Severity::Warning, "closed-channel"),
            (Severity::Warning, "may-double"),
        ];
        assert_eq!(said(&notification), warned);
    }
}
