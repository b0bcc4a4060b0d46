//! The one table of codes: what each means for the attempt it answers, and what people should know of it.
//!
//! The vendor answers with the HTTP status 200 and a code of its own, from 2001 on; whatever stands in front of it
//! answers with another status. Both are codes here, told apart by their size.

mod table;

#[cfg(test)]
mod tests;

use super::Channel;
use table::{TABLE, UNLISTED};

/// What a code means for the attempt it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Surely not executed; the same call may pass later.
    Retry,
    /// Nobody knows whether it was executed.
    Check,
    /// Not executed: too many calls on the lane.
    SlowLane,
    /// Not executed: too many messages to this group.
    SlowGroup,
    /// Not executed, and never will be for this target.
    Refuse,
    /// Not executed, and no call of this run will be: credentials, plan, or a bug of ours.
    Stop,
}

/// A row of the table: a code, or a range of codes that mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub first: u32,
    pub last: u32,
    /// The only channel that it means this in; another row is for the others.
    pub channel: Option<Channel>,
    pub class: Class,
    /// After so many answers in a row with this code and the same words, and nothing accepted in between, no call of
    /// this run would fare better: what one answer says of a target, so many say of all.
    pub stops_after: Option<u32>,
    /// Where it is documented: `T34348` is the vendor's newest table (trtc.io/document/34348), `C131708` a page of
    /// cloud.tencent.com/document/product/269, `G` tencentyun/intlcloud-documents as of 2023, `S0` to `S4` the pages of
    /// the three calls, `WEB` the table of the vendor's web SDK.
    pub source: &'static str,
    /// A sentence for people.
    pub meaning: &'static str,
    /// What mends it, if anything does.
    pub mend: Option<&'static str>,
    /// The next attempt needs a signature that is newly made.
    pub signs_anew: bool,
}

/// The row of a code. A code that is not listed proves nothing, so its attempt stays open.
pub fn explain(channel: Channel, code: u32) -> &'static Code {
    let from = TABLE.partition_point(|row| row.last < code);
    TABLE[from..]
        .iter()
        .take_while(|row| row.first <= code)
        .find(|row| row.channel.is_none_or(|only| only == channel))
        .unwrap_or(&UNLISTED)
}

/// Every row, in the order of their codes; that of a single channel stands before that of all.
pub fn codes() -> &'static [Code] {
    TABLE
}

/// Whether an [`Answer`](super::Answer)'s code is an HTTP status rather than one of the vendor's.
pub fn is_http_status(code: u32) -> bool {
    (100..1_000).contains(&code)
}
