//! What a target's members come to: every one of them once, in as few calls as the texts and the vendor allow.

use super::{Frame, Planned, Planner, always};
use crate::audience::{Resolver, Row, Subject, Table, Target};
use crate::campaign::{Campaign, Texts};
use crate::delivery::EndReason;
use crate::identity::{Digest, Moment};
use crate::schedule::{Occurrence, parse_zone};
use crate::settings::Settings;
use crate::source::Source;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SETTINGS: &str = "apps: { main: { sdk_app_id: 1, region: singapore } }";

/// Plans one group whose members each have a word, said by `text`.
fn planned(text: &str, words: &[u8], members_max: usize) -> Vec<Planned> {
    let settings = Settings::read(&Source::new("campanile.yaml", SETTINGS), &[]).unwrap();
    let yaml = format!(
        "audience: {{ groups: [g1], member_files: [m.csv] }}\nsend: {{ group_message: {{ text: \"{text}\" }} }}\n"
    );
    let source = Source::new("test.yaml", yaml);
    let campaign = Campaign::read(&source, &settings, &Texts::new()).unwrap();
    let ready = campaign.ready();
    let frame = Frame {
        occurrence: Occurrence::at_moment(
            Moment {
                wall_ms: 0,
                boot_ns: 0,
                boot_id: 0,
            },
            parse_zone("UTC").unwrap(),
        ),
        digest: Digest::of("test", []),
        members_max,
    };
    let mut planner = Planner::new(&campaign, &ready, (&frame, &always));
    let targets = targets(&campaign, &ready, words);
    let plans = targets.iter().map(|target| planner.plan(target).unwrap());
    let deliveries: Vec<Planned> = plans.flatten().collect();
    assert_eq!(planner.finish().planned, deliveries.len() as u64);
    deliveries
}

fn targets(campaign: &Campaign, ready: &crate::template::Ready<'_>, words: &[u8]) -> Vec<Target> {
    let audience = campaign.audience.as_ref().unwrap();
    let mut resolver = Resolver::new(audience, ready, &campaign.name);
    let header = ["member", "word"].map(str::to_owned).to_vec();
    let header = Row::Cells {
        line: 1,
        cells: header,
    };
    let table = Table::headed("m.csv", Subject::Members, &header).unwrap();
    let (part, _, _) = resolver.files_before()[0];
    for (at, word) in words.iter().enumerate() {
        let cells = vec![format!("user{at}"), format!("w{word}")];
        let row = Row::Cells {
            line: at as u64 + 2,
            cells,
        };
        resolver.row_before(part, &table, &row).unwrap();
    }
    resolver.ready_for_groups();
    let groups = resolver.groups().into_iter();
    groups.map(Result::unwrap).collect()
}

proptest! {
    #[test]
    fn every_member_gets_its_text_once_in_the_fewest_calls(
        words in prop::collection::vec(0_u8..4, 0..40),
        members_max in 1_usize..8,
    ) {
        let planned = planned("{{ member.word }}", &words, members_max);
        if words.is_empty() {
            prop_assert_eq!(planned.len(), 1);
            prop_assert_eq!(planned[0].skip.as_ref(), Some(&EndReason::NoMembers));
            return Ok(());
        }
        let mut seen = BTreeSet::new();
        for delivery in &planned {
            let members = &delivery.request.members;
            prop_assert!((1..=members_max).contains(&members.len()));
            for member in members.iter() {
                prop_assert!(seen.insert(member.clone()), "{member} twice");
                let at: usize = member.as_str()[4..].parse().unwrap();
                let word = format!("\"w{}\"", words[at]);
                prop_assert!(delivery.request.content.contains(&word));
            }
        }
        prop_assert_eq!(seen.len(), words.len());
        let mut counts = [0_usize; 4];
        for word in &words {
            counts[usize::from(*word)] += 1;
        }
        let fewest: usize = counts.iter().map(|count| count.div_ceil(members_max)).sum();
        prop_assert_eq!(planned.len(), fewest);
    }

    #[test]
    fn one_text_for_all_is_cut_in_the_order_of_the_file(
        count in 1_usize..60,
        members_max in 1_usize..8,
    ) {
        let planned = planned("hello", &vec![0; count], members_max);
        prop_assert_eq!(planned.len(), count.div_ceil(members_max));
        let members = planned.iter().flat_map(|delivery| delivery.request.members.iter());
        let expected: Vec<String> = (0..count).map(|at| format!("user{at}")).collect();
        prop_assert_eq!(members.map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn each_call_has_a_key_of_its_own() {
    let planned = planned("{{ delivery.key }}", &[0; 9], 4);
    let texts: BTreeSet<_> = planned
        .iter()
        .map(|delivery| &delivery.request.content)
        .collect();
    assert_eq!((planned.len(), texts.len()), (3, 3));
}
