//! The order of messages in each group, and what of them can be looked up or recalled.

use super::ledger::Position;
use super::record::{Recalled, Record};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Every conversation there was.
#[derive(Debug, Default)]
pub(super) struct Archive {
    groups: HashMap<String, Group>,
    broadcast_seq: u64,
}

/// A group and its topics. One that has had notifications only is empty.
#[derive(Debug, Default)]
struct Group {
    whole: Conversation,
    topics: BTreeMap<String, Conversation>,
}

/// What shares one sequence of `MsgSeq`.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) last_seq: u64,
    pub(super) last_time_s: Option<i64>,
    /// In the order of their sequence. What history never shows is not among them.
    kept: Vec<Kept>,
    recalled: BTreeSet<u64>,
}

/// A message that history shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) seq: u64,
    pub(super) position: Position,
    arrived_ms: i64,
}

/// What became of a wish to recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recall {
    Done,
    Absent,
    DoneBefore,
}

/// Which part of a history is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) from_seq: u64,
    pub(super) count: usize,
    pub(super) with_recalled: bool,
    /// What arrived later is not yet shown.
    pub(super) arrived_ms_max: i64,
}

impl Archive {
    /// How many groups have been sent to.
    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn conversation(&self, group: &str, topic: Option<&str>) -> Option<&Conversation> {
        let group = self.groups.get(group)?;
        match topic {
            Some(topic) => group.topics.get(topic),
            None => Some(&group.whole),
        }
    }

    /// The number of the next message; broadcasts are numbered among themselves.
    pub(super) fn next_seq(&mut self, group: Option<&str>, topic: Option<&str>) -> u64 {
        let last = match group {
            Some(group) => &mut self.conversation_mut(group, topic).last_seq,
            None => &mut self.broadcast_seq,
        };
        *last += 1;
        *last
    }

    /// Takes in a message that has its number, and where it stands in the ledger.
    pub(super) fn add(&mut self, record: &Record, position: Position) {
        let seq = record.msg_seq.unwrap_or(0);
        let Some(group) = &record.group else {
            self.broadcast_seq = seq.max(self.broadcast_seq);
            return;
        };
        let conversation = self.conversation_mut(group, record.topic.as_deref());
        conversation.last_seq = seq.max(conversation.last_seq);
        if record.is_in_history() {
            conversation.last_time_s = Some(record.msg_time);
            conversation.kept.push(Kept {
                seq,
                position,
                arrived_ms: record.arrived_ms,
            });
        }
    }

    pub(super) fn recall(&mut self, recalled: &Recalled) -> Recall {
        let Some(group) = self.groups.get_mut(&recalled.group) else {
            return Recall::Absent;
        };
        let conversation = match &recalled.topic {
            Some(topic) => group.topics.get_mut(topic),
            None => Some(&mut group.whole),
        };
        let Some(conversation) = conversation else {
            return Recall::Absent;
        };
        let seq = recalled.msg_seq;
        let found = conversation
            .kept
            .binary_search_by_key(&seq, |kept| kept.seq);
        if found.is_err() {
            Recall::Absent
        } else if conversation.recalled.insert(seq) {
            Recall::Done
        } else {
            Recall::DoneBefore
        }
    }

    fn conversation_mut(&mut self, group: &str, topic: Option<&str>) -> &mut Conversation {
        let group = self.groups.entry(group.to_owned()).or_default();
        match topic {
            Some(topic) => group.topics.entry(topic.to_owned()).or_default(),
            None => &mut group.whole,
        }
    }
}

impl Conversation {
    /// The newest of a range first, and whether nothing older is left.
    pub(super) fn page(&self, range: Range) -> (Vec<Kept>, bool) {
        let end = self.kept.partition_point(|kept| kept.seq <= range.from_seq);
        let shown = |kept: &&Kept| {
            kept.arrived_ms <= range.arrived_ms_max
                && (range.with_recalled || !self.is_recalled(kept.seq))
        };
        let mut shown = self.kept[..end].iter().rev().filter(shown);
        let page = shown.by_ref().take(range.count).copied().collect();
        (page, shown.next().is_none())
    }

    pub(super) fn is_recalled(&self, seq: u64) -> bool {
        self.recalled.contains(&seq)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::record;
    use super::super::ledger::Ledger;
    use super::*;
    use proptest::prelude::*;

    fn archive(records: &[Record]) -> Archive {
        let (mut archive, mut ledger) = (Archive::default(), Ledger::default());
        for record in records {
            let position = ledger.append(record);
            archive.add(record, position);
        }
        archive
    }

    fn numbered(count: u64) -> Vec<Record> {
        (1..=count)
            .map(|seq| Record {
                arrived_ms: i64::try_from(seq).unwrap(),
                ..record("a", 1, seq)
            })
            .collect()
    }

    const ALL: Range = Range {
        from_seq: u64::MAX,
        count: 20,
        with_recalled: false,
        arrived_ms_max: i64::MAX,
    };

    fn page(archive: &Archive, range: Range) -> (Vec<u64>, bool) {
        let (page, is_finished) = archive.conversation("a", None).unwrap().page(range);
        (page.iter().map(|kept| kept.seq).collect(), is_finished)
    }

    fn recall(archive: &mut Archive, group: &str, msg_seq: u64) -> Recall {
        archive.recall(&Recalled {
            call: super::super::call::Call::Recall,
            group: group.to_owned(),
            topic: None,
            msg_seq,
            arrived_ms: 0,
        })
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest() {
        let archive = archive(&numbered(5));
        let of = |from_seq, count| {
            let range = Range {
                from_seq,
                count,
                ..ALL
            };
            page(&archive, range)
        };
        assert_eq!(of(u64::MAX, 2), (vec![5, 4], false));
        assert_eq!(of(3, 2), (vec![3, 2], false));
        assert_eq!(of(1, 2), (vec![1], true));
        assert_eq!(of(2, 2), (vec![2, 1], true));
        assert_eq!(of(0, 2), (vec![], true));
    }

    proptest! {
        #[test]
        fn pages_hold_all_that_is_shown(
            count in 0_u64..30, page_max in 1_usize..8, recalled in proptest::collection::vec(1_u64..30, 0..8),
            newest in 0_i64..32, with_recalled: bool,
        ) {
            let mut archive = archive(&numbered(count));
            for &seq in &recalled {
                recall(&mut archive, "a", seq);
            }
            let mut shown = Vec::new();
            let mut range = Range { count: page_max, with_recalled, arrived_ms_max: newest, ..ALL };
            while archive.conversation("a", None).is_some() {
                let (seqs, is_finished) = page(&archive, range);
                prop_assert!(seqs.len() <= page_max);
                prop_assert!(is_finished || seqs.len() == page_max);
                range.from_seq = seqs.last().map_or(0, |seq| seq - 1);
                shown.extend(seqs);
                if is_finished {
                    break;
                }
            }
            let is_shown = |seq: &u64| {
                i64::try_from(*seq).unwrap() <= newest && (with_recalled || !recalled.contains(seq))
            };
            let expected: Vec<u64> = (1..=count).rev().filter(is_shown).collect();
            prop_assert_eq!(shown, expected);
        }
    }

    #[test]
    fn what_is_too_new_is_not_shown() {
        let archive = archive(&numbered(5));
        let range = Range {
            arrived_ms_max: 3,
            ..ALL
        };
        assert_eq!(page(&archive, range), (vec![3, 2, 1], true));
    }

    #[test]
    fn what_is_recalled_is_a_place_or_a_gap() {
        let mut archive = archive(&numbered(3));
        assert_eq!(recall(&mut archive, "a", 2), Recall::Done);
        assert_eq!(recall(&mut archive, "a", 2), Recall::DoneBefore);
        assert_eq!(recall(&mut archive, "a", 4), Recall::Absent);
        assert_eq!(recall(&mut archive, "b", 1), Recall::Absent);
        assert_eq!(page(&archive, ALL), (vec![3, 1], true));
        let with_recalled = Range {
            with_recalled: true,
            ..ALL
        };
        assert_eq!(page(&archive, with_recalled), (vec![3, 2, 1], true));
        assert_eq!(archive.group_count(), 1);
    }

    #[test]
    fn what_goes_to_some_or_only_now_is_not_kept() {
        let mut to_some = record("a", 1, 1);
        to_some.members = vec!["ann".to_owned()];
        let mut only_now = record("a", 1, 0);
        only_now.online_only = true;
        let mut archive = archive(&[to_some, only_now]);
        assert_eq!(page(&archive, ALL), (vec![], true));
        assert_eq!(archive.next_seq(Some("a"), None), 2);
    }

    #[test]
    fn a_topic_is_a_conversation_of_its_own() {
        let mut archive = archive(&numbered(3));
        assert_eq!(archive.next_seq(Some("a"), Some("t")), 1);
        assert_eq!(archive.next_seq(Some("a"), None), 4);
        assert_eq!(archive.next_seq(None, None), 1);
        assert_eq!(archive.group_count(), 1);
    }
}
