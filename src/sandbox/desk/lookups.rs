//! What can be asked about messages and groups, and taking back what was sent.

use super::super::answer::{Answer, HistoryItem, InfoItem, RecallItem, Refusal, code};
use super::super::archive::{Conversation, Kept, Range, Recall};
use super::super::call::Call;
use super::super::groups;
use super::super::record::{Line, Recalled, Record};
use super::super::rules::{HistoryRequest, InfoField, InfoRequest, RecallRequest, check_group_id};
use super::Desk;
use crate::clock::Moment;
use serde_json::json;

/// How many members each group is said to have.
const MEMBERS: u32 = 100;

/// Something takes the place of a message that is only in the ledger's file by now.
const EXPIRED: u32 = 1;
const RECALLED: u32 = 2;

impl Desk {
    pub(super) fn history(&mut self, at: Moment, request: HistoryRequest) -> Answer {
        self.statistics.lookups += 1;
        match self.manner.groups.find(&request.group) {
            Err(refusal) => return self.refuse(refusal),
            Ok(kind) if !groups::keeps_history(kind) => {
                return self.refuse(Refusal::new(
                    code::TYPE_WITHOUT_HISTORY,
                    "the type of the group keeps no history",
                ));
            }
            Ok(_) => {}
        }
        let lag_ms = i64::try_from(self.manner.history_lag.as_millis()).unwrap_or(i64::MAX);
        let range = Range {
            from_seq: request.from_seq.unwrap_or(u64::MAX),
            count: request.count,
            with_recalled: request.with_recalled,
            arrived_ms_max: at.wall_ms.saturating_sub(lag_ms),
        };
        let conversation = self
            .archive
            .conversation(&request.group, request.topic.as_deref());
        let Some(conversation) = conversation else {
            return Answer::history(request.group, Vec::new(), true);
        };
        let (page, is_finished) = conversation.page(range);
        let items = page
            .into_iter()
            .map(|kept| self.history_item(conversation, kept));
        Answer::history(request.group, items.collect(), is_finished)
    }

    fn history_item(&self, conversation: &Conversation, kept: Kept) -> HistoryItem {
        let Some(Line::Message(record)) = self.ledger.line(kept.position) else {
            return HistoryItem {
                from: String::new(),
                is_place_msg: EXPIRED,
                is_system_msg: 0,
                msg_body: Vec::new(),
                msg_priority: 2,
                msg_random: 0,
                msg_seq: kept.seq,
                msg_time_stamp: 0,
            };
        };
        let is_recalled = conversation.is_recalled(kept.seq);
        let text = record.text.as_deref().unwrap_or("");
        let element = json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
        HistoryItem {
            is_place_msg: if is_recalled { RECALLED } else { 0 },
            is_system_msg: 0,
            msg_body: if is_recalled {
                Vec::new()
            } else {
                vec![element]
            },
            msg_priority: priority_of(&record),
            msg_random: record.random.unwrap_or(0),
            msg_seq: kept.seq,
            msg_time_stamp: record.msg_time,
            from: record.from,
        }
    }

    /// The call as a whole may succeed though every item fails. A live room can take nothing back here, as in the older
    /// pages; newer ones allow an hour.
    pub(super) fn recall(&mut self, at: Moment, request: &RecallRequest) -> Answer {
        match self.manner.groups.find(&request.group) {
            Err(refusal) => return self.refuse(refusal),
            Ok(kind) if !groups::keeps_history(kind) => {
                return self.refuse(Refusal::new(
                    code::TYPE_WITHOUT_RECALL,
                    "the type of the group has no recall",
                ));
            }
            Ok(_) => {}
        }
        let items = request.seqs.iter().map(|&msg_seq| {
            let recalled = Recalled {
                call: Call::Recall,
                group: request.group.clone(),
                topic: request.topic.clone(),
                msg_seq,
                arrived_ms: at.wall_ms,
            };
            let ret_code = match self.archive.recall(&recalled) {
                Recall::Done => {
                    self.ledger.append(&recalled);
                    self.statistics.recalled += 1;
                    0
                }
                Recall::Absent => code::RECALLED_ABSENT,
                // No page names a code for it.
                Recall::DoneBefore => code::NOT_RECALLABLE,
            };
            RecallItem { msg_seq, ret_code }
        });
        Answer::recall(items.collect())
    }

    pub(super) fn group_info(&self, request: InfoRequest) -> Answer {
        let fields = request.fields.as_deref();
        let groups = request.groups.into_iter();
        Answer::group_info(groups.map(|group| self.info_item(group, fields)).collect())
    }

    fn info_item(&self, group: String, fields: Option<&[InfoField]>) -> InfoItem {
        let found = check_group_id(&group).and_then(|()| self.manner.groups.find(&group));
        let kind = match found {
            Ok(kind) => kind.unwrap_or_default(),
            Err(refusal) => {
                return InfoItem {
                    group_id: group,
                    error_code: refusal.code,
                    error_info: refusal.info,
                    ..InfoItem::default()
                };
            }
        };
        let wanted = |field| fields.is_none_or(|fields| fields.contains(&field));
        let conversation = self.archive.conversation(&group, None);
        let last_seq = conversation.map_or(0, |conversation| conversation.last_seq);
        let last_time_s = conversation.and_then(|conversation| conversation.last_time_s);
        InfoItem {
            kind: wanted(InfoField::Type).then_some(kind),
            name: wanted(InfoField::Name).then(|| group.clone()),
            last_msg_time: wanted(InfoField::LastMsgTime).then_some(last_time_s.unwrap_or(0)),
            next_msg_seq: wanted(InfoField::NextMsgSeq).then_some(last_seq + 1),
            member_num: wanted(InfoField::MemberNum).then_some(MEMBERS),
            group_id: group,
            ..InfoItem::default()
        }
    }
}

fn priority_of(record: &Record) -> u32 {
    match record.priority.as_deref() {
        Some("High") => 1,
        Some("Low") => 3,
        Some("Lowest") => 4,
        _ => 2,
    }
}
