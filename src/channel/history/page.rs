//! One page of a history.

use crate::channel::Cause;
use serde::Deserialize;
use serde_json::Value;

/// What the vendor gives at most, and what is believed of a longer answer.
pub(super) const PAGE_MAX: usize = 20;

/// Messages by their numbers, the greatest first. The vendor's `IsFinished` is not kept: it tells whether a page is
/// whole, not whether the history ends there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    pub items: Vec<HistoryItem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryItem {
    /// Empty if it is not told.
    pub from: String,
    pub random: Option<u32>,
    pub seq: u64,
    /// Unix seconds at the vendor.
    pub time_s: Option<i64>,
    pub placeholder: Placeholder,
}

/// What stands in a message's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The message itself.
    None,
    /// It was deleted, it expired, or it was not stored.
    Gone,
    Recalled,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    #[serde(rename = "From_Account")]
    from_account: Option<String>,
    is_place_msg: Option<u64>,
    msg_random: Option<Value>,
    msg_seq: u64,
    msg_time_stamp: Option<Value>,
}

impl HistoryPage {
    pub(super) fn read(items: Vec<Item>) -> Result<HistoryPage, Cause> {
        let items: Vec<_> = items
            .into_iter()
            .take(PAGE_MAX)
            .map(HistoryItem::read)
            .collect::<Result<_, _>>()?;
        if items.is_sorted_by(|newer, older| newer.seq > older.seq) {
            Ok(HistoryPage { items })
        } else {
            Err(Cause::PageOutOfOrder)
        }
    }
}

impl HistoryItem {
    fn read(item: Item) -> Result<HistoryItem, Cause> {
        let placeholder = match item.is_place_msg {
            None | Some(0) => Placeholder::None,
            Some(1) => Placeholder::Gone,
            Some(2) => Placeholder::Recalled,
            Some(_) => return Err(Cause::PlaceholderUnknown),
        };
        // Such a number could not be kept either.
        if item.msg_seq == 0 || i64::try_from(item.msg_seq).is_err() {
            return Err(Cause::NumberMissing);
        }
        let random = item.msg_random.as_ref().and_then(Value::as_u64);
        let random = random.and_then(|random| u32::try_from(random).ok());
        // What was cleared away is written as 0 where it is written at all.
        let is_told = |random: &u32| *random != 0 || placeholder == Placeholder::None;
        let time_s = item.msg_time_stamp.as_ref().and_then(Value::as_i64);
        Ok(HistoryItem {
            from: item.from_account.unwrap_or_default(),
            random: random.filter(is_told),
            seq: item.msg_seq,
            time_s: time_s.filter(|time_s| *time_s > 0),
            placeholder,
        })
    }
}
