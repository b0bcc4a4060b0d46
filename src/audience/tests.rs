//! Audiences as their users meet them: YAML and rows in, targets and complaints out.

use super::resolver::Part;
use super::{Audience, AudienceSpec, GroupType, Reach, Resolver, Row, Subject, Table, Target};
use crate::identity::CampaignName;
use crate::source::{Diagnostic, Schema, Source, Spanned, read};
use crate::template::{Ready, Templates};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Holder {
    audience: Option<Spanned<AudienceSpec>>,
}

/// What an audience comes to: targets as `group[: members]`, and complaints by code.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    targets: Vec<String>,
    codes: Vec<&'static str>,
    helps: Vec<String>,
}

type Files<'a> = BTreeMap<&'a str, &'a str>;

fn resolve(yaml: &str, files: &[(&str, &str)]) -> Told {
    let source = Source::new("test.yaml", format!("audience:\n{yaml}"));
    let mut read = read::<Holder>(&Schema::of::<Holder>(), &source);
    let mut complaints = std::mem::take(&mut read.complaints);
    let spec = read.spec.and_then(|spec| spec.audience);
    let mut templates = Templates::new();
    let audience =
        spec.map(|spec| Audience::lower(&spec, &spec.span, &mut templates, &mut complaints));
    let mut targets = Vec::new();
    if let (Some(audience), true) = (&audience, complaints.is_empty()) {
        let ready = templates.ready();
        targets = targets_of(
            audience,
            &ready,
            &files.iter().copied().collect(),
            &mut complaints,
        );
    }
    Told {
        targets: targets.iter().map(told).collect(),
        codes: complaints.iter().map(|complaint| complaint.code).collect(),
        helps: complaints
            .into_iter()
            .filter_map(|complaint| complaint.help)
            .collect(),
    }
}

fn told(target: &Target) -> String {
    match &target.reach {
        Reach::Everybody => target.group.to_string(),
        Reach::Members(members) => {
            let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
            format!("{}: {}", target.group, ids.join(" "))
        }
    }
}

fn targets_of(
    audience: &Audience,
    ready: &Ready<'_>,
    files: &Files<'_>,
    complaints: &mut Vec<Diagnostic>,
) -> Vec<Target> {
    let name = CampaignName::try_from("test").unwrap();
    let mut resolver = Resolver::new(audience, ready, &name);
    for (part, subject, file) in resolver.files_before() {
        resolver.begin(part, file);
        let mut take = |resolver: &mut Resolver<'_>, table: &Table, row: &Row, part: Part| {
            let wrong = resolver.row_before(part, table, row).err();
            complaints.extend(wrong.into_iter().flatten());
        };
        let (table, rows) = open(&file.path, files[file.path.as_str()], subject).unwrap();
        for row in rows {
            take(&mut resolver, &table, &row, part);
        }
    }
    resolver.ready_for_groups();
    let mut targets = Vec::new();
    for target in resolver.groups() {
        match target {
            Ok(target) => targets.push(target),
            Err(rejected) => complaints.extend(rejected.complaints),
        }
    }
    for file in &audience.group_files {
        match open(&file.path, files[file.path.as_str()], Subject::Groups) {
            Err(found) => complaints.extend(found),
            Ok((table, rows)) => {
                for row in rows {
                    match resolver.row(&table, &row) {
                        Ok(target) => targets.extend(target),
                        Err(rejected) => complaints.extend(rejected.complaints),
                    }
                }
            }
        }
    }
    complaints.extend(resolver.finish());
    targets
}

/// Cells are parted by `,`, lines by `/`; a file of objects begins with `{`.
fn open(path: &str, text: &str, subject: Subject) -> Result<(Table, Vec<Row>), Vec<Diagnostic>> {
    let mut rows: Vec<Row> = text
        .split('/')
        .zip(1..)
        .map(|(text, line)| {
            if text.starts_with(['{', '!']) {
                let text = text.to_owned();
                return Row::Object { line, text };
            }
            let cells = text.split(',').map(str::to_owned).collect();
            Row::Cells { line, cells }
        })
        .collect();
    if matches!(rows[0], Row::Object { .. }) {
        return Ok((Table::of_objects(path, subject), rows));
    }
    let header = rows.remove(0);
    Ok((Table::headed(path, subject, &header)?, rows))
}

#[test]
fn groups_come_in_the_order_of_the_file() {
    let yaml = "  groups: [g3, { id: g1, type: work }]\n  group_files: [a.csv, b.jsonl]\n";
    let told = resolve(
        yaml,
        &[
            ("a.csv", "group,type/g2,Meeting/g5,"),
            ("b.jsonl", r#"{"group":"g4","members":12,"tags":["a"]}"#),
        ],
    );
    assert_eq!(told.targets, ["g3", "g1", "g2", "g5", "g4"]);
    assert_eq!(told.codes, [""; 0]);
}

#[test]
fn a_group_that_stands_twice_is_found_wherever_it_stands() {
    let yaml =
        "  groups: [{ id: g1, variables: { city: Shenzhen } }]\n  group_files: [a.csv, b.jsonl]\n";
    let told = resolve(
        yaml,
        &[
            ("a.csv", "group,city/g1,Shenzhen/g2,Beijing"),
            (
                "b.jsonl",
                r#"{"group":"g2","city":"Tokyo"}/{"city":"Beijing","group":"g2"}"#,
            ),
        ],
    );
    assert_eq!(told.targets, ["g1", "g2"]);
    assert_eq!(told.codes, ["group-again", "group-twice", "group-again"]);
    assert!(told.helps[0].contains("test.yaml:2"), "{told:?}");
    assert!(told.helps[1].contains("a.csv:3"), "{told:?}");
}

#[test]
fn headers_and_ids_that_spreadsheets_spoilt_are_explained() {
    let complaints = open("a.csv", "groups,City Name,id", Subject::Groups).unwrap_err();
    let codes: Vec<_> = complaints.iter().map(|complaint| complaint.code).collect();
    assert_eq!(codes, ["variable-name", "reserved-name", "no-group-column"]);
    assert_eq!(complaints[0].help.as_deref(), Some("name it `city_name`"));
    let help = complaints[2].help.as_deref();
    assert_eq!(help, Some("rename the column `groups` to `group`"));
    let told = resolve(
        "  group_files: [a.csv]\n",
        &[(
            "a.csv",
            "group,城市/1.2E+11,x/1.2e+11,x/'1200,x/,x/ g1,x/g1/g2,y",
        )],
    );
    assert_eq!(told.targets, ["g2"]);
    assert_eq!(
        told.codes,
        [
            "group-id",
            "group-id",
            "group-id",
            "group-id",
            "group-id",
            "row-length"
        ]
    );
}

#[test]
fn objects_keep_their_types_and_are_checked() {
    let lines = r#"{"group":1}/{"group":"g1","price":9.90}/!/{"group":"g2","City Name":"x"}/{"group":"g3","n":null}"#;
    let told = resolve("  group_files: [a.jsonl]\n", &[("a.jsonl", lines)]);
    assert_eq!(told.targets, ["g3"]);
    assert_eq!(
        told.codes,
        ["group-id", "number-changes", "json-line", "variable-name"]
    );
}

#[test]
fn members_in_a_file_of_groups_are_not_taken_for_whole_groups() {
    let files = [
        ("a.csv", "group,member/g1,anna"),
        ("b.jsonl", r#"{"group":"g1","member":"anna"}"#),
    ];
    for (name, text) in files {
        let code = match open(name, text, Subject::Groups) {
            Err(complaints) => complaints[0].code,
            Ok((table, rows)) => table.record(&rows[0]).unwrap_err()[0].code,
        };
        assert_eq!(code, "reserved-name", "{name}");
    }
}

#[test]
fn objects_say_each_thing_once_and_print_as_written() {
    let deep = format!(
        "{{\"group\":\"g1\",\"l\":{}1{}}}",
        "[".repeat(99),
        "]".repeat(99)
    );
    for (line, code) in [
        (r#"{"group":"g1","group":"g2"}"#, "column-twice"),
        (r#"{"group":"g1","city":"A","city":"B"}"#, "column-twice"),
        (
            r#"{"group":"g1","shop":{"city":"A","city":"B"}}"#,
            "column-twice",
        ),
        (r#"{"group":"g1","prices":[9.90]}"#, "number-changes"),
        (r#"{"group":"g1","shop":{"price":1e2}}"#, "number-changes"),
        (&deep, "json-line"),
    ] {
        let told = resolve("  group_files: [a.jsonl]\n", &[("a.jsonl", line)]);
        assert_eq!((told.targets.len(), told.codes), (0, vec![code]), "{line}");
    }
    let line = r#"{"group":"g1","shop":{"prices":[9.9,12],"open":null},"none":null}"#;
    let yaml = "  group_files: [a.jsonl]\n  where: group.shop.prices[1] == 12 and group.none is undefined\n";
    assert_eq!(resolve(yaml, &[("a.jsonl", line)]).targets, ["g1"]);
}

#[test]
fn types_are_known_by_the_vendors_and_the_consoles_names() {
    let kind = |text: &str| GroupType::parse(text, || unreachable!()).unwrap().name();
    for (text, name) in [
        ("chatroom", "ChatRoom"),
        ("Meeting", "ChatRoom"),
        ("WORK", "Private"),
        ("avChatRoom", "AVChatRoom"),
        ("live", "AVChatRoom"),
        ("public", "Public"),
    ] {
        assert_eq!(kind(text), name);
    }
    let told = resolve("  groups: [{ id: g1, type: chatrom }]\n", &[]);
    assert_eq!(told.codes, ["group-type"]);
    assert_eq!(told.helps, ["did you mean `ChatRoom`?"]);
}

#[test]
fn only_and_exclude_pick_groups() {
    let yaml = "  groups: [g1, g2, g3]\n  only: { group_files: [a.csv] }\n  exclude: { groups: [g2, gone] }\n";
    let told = resolve(yaml, &[("a.csv", "group,when/g1,x/g2,y/g9,z")]);
    assert_eq!(told.targets, ["g1"]);
    assert_eq!(told.codes, ["excludes-nobody"]);
}

#[test]
fn members_are_those_of_the_group_and_those_of_all() {
    let yaml = "  groups: [g1, g2]\n  members: [peter]\n  member_files: [m.csv]\n";
    let files = [(
        "m.csv",
        "member,group,name/anna,g1,Anna/leckie,,L/peter,g2,/bob,g9,B",
    )];
    let told = resolve(yaml, &files);
    assert_eq!(told.targets, ["g1: peter leckie anna", "g2: peter leckie"]);
    assert_eq!(told.codes, ["members-elsewhere"]);
    let alone = resolve("  member_files: [m.csv]\n", &files);
    assert_eq!(
        alone.targets,
        ["g1: leckie anna", "g2: leckie peter", "g9: leckie bob"]
    );
    let twice = resolve(
        "  member_files: [m.csv]\n",
        &[("m.csv", "member,group,name/anna,g1,Anna/anna,g1,Anne")],
    );
    assert_eq!(twice.codes, ["member-twice"]);
}

#[test]
fn members_that_are_left_out_leave_a_group_with_none() {
    let yaml = "  groups: [g1, g2]\n  members: [peter, anna]\n  exclude: { members: [peter], member_files: [x.csv] }\n";
    let told = resolve(yaml, &[("x.csv", "member,group/anna,g2")]);
    assert_eq!(told.targets, ["g1: anna", "g2: "]);
}

#[test]
fn where_asks_groups_or_members() {
    let files = [(
        "a.csv",
        "group,city,size/g1,Shenzhen,5/g2,Beijing,50/g3,Shenzhen,",
    )];
    let of_groups = "  group_files: [a.csv]\n  where: group.city in ['Shenzhen', 'Guangzhou']\n";
    assert_eq!(resolve(of_groups, &files).targets, ["g1", "g3"]);
    let sized = "  group_files: [a.csv]\n  where: group.size is defined and group.size | int > 9\n";
    assert_eq!(resolve(sized, &files).targets, ["g2"]);
    let text = resolve("  group_files: [a.csv]\n  where: group.size > 9\n", &files);
    assert_eq!(text.codes, ["template", "template", "undefined-variable"]);
    assert!(text.helps[0].contains("`group.size | int`"), "{text:?}");
    assert!(text.helps[0].contains("a.csv:2"), "{text:?}");
    let members = "  groups: [g1]\n  member_files: [m.csv]\n  where: member.vip == 'yes'\n";
    let files = [("m.csv", "member,vip/anna,yes/peter,no")];
    assert_eq!(resolve(members, &files).targets, ["g1: anna"]);
    let nobody = resolve("  groups: [g1]\n  where: member.vip == 'yes'\n", &[]);
    assert_eq!(nobody.codes, ["no-members"]);
    let other = resolve("  groups: [g1]\n  where: city == 'x'\n", &[]);
    assert_eq!(other.helps, ["write `group.city` if it is a column"]);
}

#[test]
fn slips_in_the_audience_are_told_all_at_once() {
    let yaml = "  groups: [\" g1\"]\n  sample: \"10\"\n  member_files: [{ path: m.csv, newer_than: soon }]\n  only: {}\n";
    let told = resolve(yaml, &[]);
    for code in ["group-id", "sample", "duration", "no-selection"] {
        assert!(told.codes.contains(&code), "{code}: {told:?}");
    }
}

/// Nobody is not everybody: each of these would otherwise reach more people than it names.
#[test]
fn a_list_of_none_is_told() {
    for yaml in [
        "  groups: [g1]\n  members: []\n",
        "  groups: [g1]\n  member_files: []\n",
        "  groups: []\n  member_files: [m.csv]\n",
        "  groups: [g1]\n  members: [anna]\n  only: { groups: [], members: [anna] }\n",
        "  groups: [g1]\n  only: { groups: [g1], group_files: [] }\n",
    ] {
        let told = resolve(yaml, &[]);
        assert_eq!((told.targets.len(), told.codes.len()), (0, 1), "{told:?}");
    }
}

#[test]
fn a_sample_is_stable_and_as_large_as_asked() {
    let ids: Vec<String> = (0..4_000).map(|at| format!("g{at}")).collect();
    let yaml = |part: &str| format!("  groups: [{}]\n  sample: {part}\n", ids.join(", "));
    let tenth = resolve(&yaml("10%"), &[]).targets;
    assert!((330..=470).contains(&tenth.len()), "{}", tenth.len());
    assert_eq!(tenth, resolve(&yaml("10%"), &[]).targets);
    let half: BTreeSet<String> = resolve(&yaml("50%"), &[]).targets.into_iter().collect();
    assert!(
        tenth.iter().all(|group| half.contains(group)),
        "a larger part holds the smaller"
    );
    assert_eq!(resolve(&yaml("100%"), &[]).targets.len(), 4_000);
}

proptest! {
    /// Against the plain reading: in `only` if there is one, not in `exclude`, each group once, in file order.
    #[test]
    fn targets_are_what_the_sets_say(
        rows in prop::collection::vec(0_u8..20, 1..40),
        only in prop::option::of(prop::collection::btree_set(0_u8..20, 1..10)),
        exclude in prop::collection::btree_set(0_u8..20, 1..10),
    ) {
        let list = |ids: &BTreeSet<u8>| ids.iter().map(|id| format!("g{id}")).collect::<Vec<_>>().join(", ");
        let mut yaml = format!("  group_files: [a.csv]\n  exclude: {{ groups: [{}] }}\n", list(&exclude));
        if let Some(only) = &only {
            yaml = format!("{yaml}  only: {{ groups: [{}] }}\n", list(only));
        }
        let lines: Vec<String> = rows.iter().map(|id| format!("g{id}")).collect();
        let told = resolve(&yaml, &[("a.csv", &format!("group/{}", lines.join("/")))]);
        let mut seen = BTreeSet::new();
        let expected: Vec<String> = rows
            .iter()
            .filter(|id| seen.insert(**id))
            .filter(|id| only.as_ref().is_none_or(|only| only.contains(id)) && !exclude.contains(id))
            .map(|id| format!("g{id}"))
            .collect();
        prop_assert_eq!(told.targets, expected);
    }
}
