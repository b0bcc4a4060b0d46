//! Which groups there are, of which type, and what a type is good for.

use super::answer::{Refusal, code};
use super::call::Call;
use super::rules::{Message, Wish};
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A list is no longer.
const GROUPS_MAX: usize = 10_000_000;

/// So many complaints about a list are told.
const COMPLAINTS_MAX: usize = 20;

/// Where no list is given, a group whose id contains this does not exist.
const ABSENT_MARK: &str = "MISSING";

/// What a group is. The names are the vendor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) enum Kind {
    Private,
    #[default]
    Public,
    ChatRoom,
    #[serde(rename = "AVChatRoom")]
    AvChatRoom,
    Community,
    BChatRoom,
}

/// The vendor's spelling, then what its console says.
const NAMES: [(&str, Kind); 8] = [
    ("Private", Kind::Private),
    ("Public", Kind::Public),
    ("ChatRoom", Kind::ChatRoom),
    ("AVChatRoom", Kind::AvChatRoom),
    ("Community", Kind::Community),
    ("BChatRoom", Kind::BChatRoom),
    ("Work", Kind::Private),
    ("Meeting", Kind::ChatRoom),
];

impl Kind {
    fn parse(text: &str) -> Option<Kind> {
        let found = NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, kind)| *kind)
    }

    fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }
}

/// A line of a list of groups.
#[derive(Clone, Debug)]
pub struct GroupRow {
    pub line: u64,
    pub group: String,
    /// Without one it is `Public`.
    pub kind: Option<String>,
}

/// The groups of the app.
#[derive(Debug, Default)]
pub struct Groups {
    /// With the line of each. `None`: any id is that of a group.
    listed: Option<HashMap<String, (Kind, u64)>>,
}

impl Groups {
    /// Only the groups of a list, or what is wrong with it.
    pub fn listed(rows: impl Iterator<Item = GroupRow>) -> Result<Groups, Vec<String>> {
        let mut listed = HashMap::new();
        let mut complaints = Vec::new();
        let mut more = 0_u64;
        for row in rows {
            let complaint = match add(&mut listed, row) {
                Ok(()) => continue,
                Err(complaint) => complaint,
            };
            if complaints.len() < COMPLAINTS_MAX {
                complaints.push(complaint);
            } else {
                more += 1;
            }
        }
        if listed.is_empty() && complaints.is_empty() {
            complaints.push("there is no group in it".to_owned());
        }
        if more > 0 {
            complaints.push(format!("and {more} more"));
        }
        if complaints.is_empty() {
            Ok(Groups {
                listed: Some(listed),
            })
        } else {
            Err(complaints)
        }
    }

    /// The type of a group, where it is known.
    pub(super) fn find(&self, group: &str) -> Result<Option<Kind>, Refusal> {
        let found = match &self.listed {
            Some(listed) => listed.get(group).map(|(kind, _)| Some(*kind)),
            None => (!group.contains(ABSENT_MARK)).then_some(None),
        };
        found.ok_or_else(|| {
            Refusal::new(
                code::GROUP_ABSENT,
                format!("group `{group}` does not exist"),
            )
        })
    }
}

fn add(listed: &mut HashMap<String, (Kind, u64)>, row: GroupRow) -> Result<(), String> {
    let line = row.line;
    if row.group.is_empty() {
        return Err(format!("line {line}: the group is missing"));
    }
    let kind = match row.kind.as_deref() {
        None | Some("") => Kind::default(),
        Some(name) => Kind::parse(name).ok_or_else(|| {
            format!(
                "line {line}: there is no type of group `{name}` (known: Private or Work, Public, ChatRoom or \
                 Meeting, AVChatRoom, Community, BChatRoom)"
            )
        })?,
    };
    if listed.len() == GROUPS_MAX {
        return Err(format!("line {line}: more than {GROUPS_MAX} groups"));
    }
    match listed.entry(row.group) {
        Entry::Vacant(place) => {
            place.insert((kind, line));
            Ok(())
        }
        Entry::Occupied(place) => match *place.get() {
            (same, _) if same == kind => Ok(()),
            (other, first) => Err(format!(
                "line {line}: `{}` is {} here and {} on line {first}",
                place.key(),
                kind.name(),
                other.name()
            )),
        },
    }
}

/// Whether a type of group takes a message at all, and what it asks for.
///
/// No page names a code for each of these; "the type of the group does not support it" is what 10007 says, and a topic
/// has one of its own. Where pages are silent or differ, the message is refused: `BChatRoom` is not among the types of
/// `send_group_msg`, and only the FAQ keeps a community from mentioning everybody.
pub(super) fn check_fit(kind: Kind, call: Call, message: &Message) -> Result<(), Refusal> {
    let refused = |what: &str| {
        let info = format!("{} does not support {what}", kind.name());
        Err(Refusal::new(code::NO_PERMISSION, info))
    };
    if message.topic.is_some() && kind != Kind::Community {
        let info = format!("there are no topics in {}", kind.name());
        return Err(Refusal::new(code::TOPIC_INVALID, info));
    }
    let has_members = !message.members.is_empty();
    if call == Call::Notification {
        return match kind {
            Kind::AvChatRoom | Kind::BChatRoom if has_members => refused("chosen members"),
            _ => Ok(()),
        };
    }
    if kind == Kind::BChatRoom {
        return refused(call.command());
    }
    if has_members && matches!(kind, Kind::AvChatRoom | Kind::Community) {
        return refused("`To_Account`");
    }
    match message.wishes.iter().find(|wish| !grants(kind, **wish)) {
        Some(wish) => refused(wish.member()),
        None => Ok(()),
    }
}

fn grants(kind: Kind, wish: Wish) -> bool {
    match wish {
        Wish::OnlineOnly | Wish::LastMessageKept => kind != Kind::AvChatRoom,
        // A meeting counts no unread messages unless the vendor switched that on.
        Wish::UnreadIgnored => !matches!(kind, Kind::AvChatRoom | Kind::ChatRoom),
        Wish::MentionAll | Wish::ReadReceipt => !matches!(kind, Kind::AvChatRoom | Kind::Community),
    }
}

impl Wish {
    fn member(self) -> &'static str {
        match self {
            Wish::OnlineOnly => "`OnlineOnlyFlag`",
            Wish::UnreadIgnored => "`NoUnread`",
            Wish::LastMessageKept => "`NoLastMsg`",
            Wish::MentionAll => "`GroupAtAllFlag`",
            Wish::ReadReceipt => "`NeedReadReceipt`",
        }
    }
}

/// Whether a type of group keeps what was sent.
pub(super) fn keeps_history(kind: Option<Kind>) -> bool {
    !matches!(kind, Some(Kind::AvChatRoom | Kind::BChatRoom))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::group_message;
    use super::super::rules::{self, Request};
    use super::*;
    use serde_json::{Value, json};

    fn rows(rows: &[(&str, &str)]) -> Result<Groups, Vec<String>> {
        let rows = rows.iter().zip(2..).map(|((group, kind), line)| GroupRow {
            line,
            group: (*group).to_owned(),
            kind: Some((*kind).to_owned()),
        });
        Groups::listed(rows)
    }

    #[test]
    fn a_list_says_which_groups_there_are() {
        let groups = rows(&[
            ("a", "avchatroom"),
            ("b", "Work"),
            ("c", ""),
            ("d", "MEETING"),
            ("b", "private"),
        ])
        .unwrap();
        let kinds = ["a", "b", "c", "d"].map(|group| groups.find(group).unwrap().unwrap());
        assert_eq!(
            kinds,
            [
                Kind::AvChatRoom,
                Kind::Private,
                Kind::Public,
                Kind::ChatRoom
            ]
        );
        assert_eq!(groups.find("e").unwrap_err().code, 10010);
        let any = Groups::default();
        assert_eq!(any.find("e"), Ok(None));
        assert_eq!(any.find("a-MISSING-b").unwrap_err().code, 10010);
    }

    #[test]
    fn every_complaint_names_its_line() {
        let complaints = rows(&[
            ("a", "Publik"),
            ("", "Public"),
            ("b", "Public"),
            ("b", "Work"),
        ])
        .unwrap_err();
        assert_eq!(complaints.len(), 3);
        assert!(complaints[0].starts_with("line 2: there is no type of group `Publik` (known:"));
        assert_eq!(complaints[1], "line 3: the group is missing");
        assert_eq!(
            complaints[2],
            "line 5: `b` is Private here and Public on line 4"
        );
        assert_eq!(rows(&[]).unwrap_err(), ["there is no group in it"]);
        let many = rows(&[("", ""); 25]).unwrap_err();
        assert_eq!((many.len(), many[20].as_str()), (21, "and 5 more"));
    }

    fn code_of(kind: &str, call: Call, body: &Value) -> u32 {
        let Ok(Request::Message(message)) = rules::read(call, body.to_string().as_bytes()) else {
            panic!("the shape is right");
        };
        let fit = check_fit(Kind::parse(kind).unwrap(), call, &message);
        fit.map_or_else(|refusal| refusal.code, |()| 0)
    }

    #[test]
    fn what_a_type_does_not_support_is_refused() {
        const ALL: [&str; 6] = [
            "Private",
            "Public",
            "ChatRoom",
            "AVChatRoom",
            "Community",
            "BChatRoom",
        ];
        let codes = |name: &str, value: Value| {
            let mut body = group_message("a", 1, "hello");
            body[name] = value;
            ALL.map(|kind| code_of(kind, Call::GroupMessage, &body))
        };
        assert_eq!(codes("Random", json!(1)), [0, 0, 0, 0, 0, 10007]);
        let members = codes("To_Account", json!(["ann"]));
        assert_eq!(members, [0, 0, 0, 10007, 10007, 10007]);
        let online = codes("OnlineOnlyFlag", json!(1));
        assert_eq!(online, [0, 0, 0, 10007, 0, 10007]);
        let unread = codes("SendMsgControl", json!(["NoUnread"]));
        assert_eq!(unread, [0, 0, 10007, 10007, 0, 10007]);
        let kept = codes("SendMsgControl", json!(["NoLastMsg"]));
        assert_eq!(kept, [0, 0, 0, 10007, 0, 10007]);
        let all = codes("GroupAtInfo", json!([{ "GroupAtAllFlag": 1 }]));
        assert_eq!(all, [0, 0, 0, 10007, 10007, 10007]);
        let receipt = codes("NeedReadReceipt", json!(1));
        assert_eq!(receipt, [0, 0, 0, 10007, 10007, 10007]);
        let topic = codes("TopicId", json!("t"));
        assert_eq!(topic, [110_013, 110_013, 110_013, 110_013, 0, 110_013]);

        let notified = |members: Value| {
            let body = json!({ "GroupId": "a", "Content": "c", "ToMembers_Account": members });
            ALL.map(|kind| code_of(kind, Call::Notification, &body))
        };
        assert_eq!(notified(json!([])), [0; 6]);
        assert_eq!(notified(json!(["ann"])), [0, 0, 0, 10007, 0, 10007]);
    }
}
