//! No wrong thing hides another: each two of some sixty mistakes are made in one repository, and both are told, neither
//! more nor less than what is told of each alone.

use super::place::Place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Stands for the number of a repository's copy in names of files and campaigns.
const NUMBER: &str = "000";
const CAMPAIGN: &str = "campaigns/c000.yaml";
const GROUPS: &str = "audiences/g000.csv";
const SETTINGS: &str = "campanile.yaml";

/// A campaign in which nothing is wrong.
const NEWS: &str = r#"name: c000
owner: growth-team
labels: { season: spring }
app: main
timezone: Asia/Shanghai
variables:
  bonus: 88
  until: "Sunday"
schedule:
  cron: "0 9 * * MON"
  from: 2026-11-01
  except: [2026-11-09]
  start_within: 15m
audience:
  groups:
    - { id: "@TGS#A", type: Public, variables: { city: Wuhan, size: "3" } }
    - { id: "@TGS#B", type: Public, variables: { city: Xian, size: "5" } }
  group_files: [audiences/g000.csv]
  exclude: { groups: ["@TGS#3"] }
  where: "group.city != 'Lhasa'"
  sample: 100%
send:
  group_message:
    text: |
      Hello {{ group.city }},
      {{ bonus }} coins until {{ until }}!
    from_account: "{{ campaign.name }}"
    priority: high
    cloud_custom_data: '{ "city": "{{ group.city }}" }'
    offline_push:
      title: "For {{ group.city }}"
      desc: "{{ bonus }} coins"
delivery:
  rate: 50
  window: "08:00-22:00"
  tolerate: 1%
"#;
const ROWS: &str = "group,type,city,size\n@TGS#1,Public,Shenzhen,20\n@TGS#2,Public,Chengdu,31\n@TGS#3,Public,Lhasa,7\n";
const SOUND: &str = "apps:\n  main:\n    sdk_app_id: 1400000000\n    region: singapore\ntimezone: Asia/Shanghai\njournal: sqlite:campanile.db\nserve: { listen: 127.0.0.1:8787 }\n";

/// A file, what stands there once, and what is written instead.
type Slip = (&'static str, &'static str, &'static str);

/// Each gives the complaint of its code and no other.
#[rustfmt::skip]
const SLIPS: &[(&str, Slip)] = &[
    ("unknown-key", (CAMPAIGN, "owner: growth-team", "ownr: growth-team")),
    ("wrong-type", (CAMPAIGN, "owner: growth-team", "owner: 12")),
    ("no-value", (CAMPAIGN, "owner: growth-team", "owner:")),
    ("duplicate-key", (CAMPAIGN, "labels: { season: spring }", "labels: { season: spring }\nlabels: { season: fall }")),
    ("wrong-type", (CAMPAIGN, "season: spring", "season: 11")),
    ("no-such-app", (CAMPAIGN, "app: main", "app: mian")),
    ("timezone", (CAMPAIGN, "timezone: Asia/Shanghai\nv", "timezone: Asia/Shanghia\nv")),
    ("tag", (CAMPAIGN, "timezone: Asia/Shanghai\nv", "timezone: !zone Asia/Shanghai\nv")),
    ("number-out-of-range", (CAMPAIGN, "bonus: 88", "bonus: 123456789012345678901")),
    ("number-changes", (CAMPAIGN, "bonus: 88", "bonus: 8.80")),
    ("template", (CAMPAIGN, "bonus: 88", "bonus:")),
    ("reserved-name", (CAMPAIGN, "  until: \"Sunday\"", "  until: \"Sunday\"\n  member: \"x\"")),
    ("variable-name", (CAMPAIGN, "  until: \"Sunday\"", "  until: \"Sunday\"\n  two words: \"x\"")),
    ("unknown-key", (CAMPAIGN, "variables:\n  bonus", "varaibles:\n  bonus")),
    ("cron", (CAMPAIGN, "0 9 * * MON", "0 25 * * MON")),
    ("day", (CAMPAIGN, "from: 2026-11-01", "from: 1.11.")),
    ("idle-exception", (CAMPAIGN, "except: [2026-11-09]", "except: [2026-11-10]")),
    ("duration", (CAMPAIGN, "start_within: 15m", "start_within: soon")),
    ("unknown-key", (CAMPAIGN, "start_within: 15m", "start_wihtin: 15m")),
    ("outside-window", (CAMPAIGN, "0 9 * * MON", "0 7 * * MON")),
    ("group-id", (CAMPAIGN, "id: \"@TGS#A\"", "id: \"@TGS#A \"")),
    ("group-type", (CAMPAIGN, "\"@TGS#A\", type: Public", "\"@TGS#A\", type: Publik")),
    ("number-changes", (CAMPAIGN, "city: Wuhan", "city: 007")),
    ("missing-key", (CAMPAIGN, "{ id: \"@TGS#B\", type", "{ type")),
    ("unknown-key", (CAMPAIGN, "size: \"5\" } }", "size: \"5\" }, name: x }")),
    ("group-twice", (CAMPAIGN, "\"@TGS#B\"", "\"@TGS#A\"")),
    ("file", (CAMPAIGN, "group_files: [audiences/g000.csv]", "group_files: [audiences/g000.csv, audiences/none.csv]")),
    ("file", (CAMPAIGN, "group_files: [audiences/g000.csv]", "group_files: [audiences/g000.csv, exports:g.csv]")),
    ("excludes-nobody", (CAMPAIGN, "[\"@TGS#3\"]", "[\"@TGS#3\", \"@TGS#4\"]")),
    ("unknown-key", (CAMPAIGN, "exclude: {", "exlude: {")),
    ("template", (CAMPAIGN, "group.city != 'Lhasa'", "group.city = 'Lhasa'")),
    ("undefined-variable", (CAMPAIGN, "group.city != 'Lhasa'", "group.ctiy != 'Lhasa'")),
    ("template", (CAMPAIGN, "group.city != 'Lhasa'", "group.size > 1")),
    ("sample", (CAMPAIGN, "sample: 100%", "sample: all")),
    ("undefined-variable", (CAMPAIGN, "Hello {{ group.city }}", "Hello {{ group.ctiy }}")),
    ("undefined-variable", (CAMPAIGN, "{{ bonus }} coins until", "{{ bnous }} coins until")),
    ("template", (CAMPAIGN, "{{ until }}!", "{{ until | uper }}!")),
    ("template", (CAMPAIGN, "coins until", "{{ group.size + 1 }} coins until")),
    ("template", (CAMPAIGN, "Hello {{ group.city }}", "Hello {{ group.city }")),
    ("unquoted-text", (CAMPAIGN, "text: |", "text: >")),
    ("unknown-key", (CAMPAIGN, "    priority: high", "    prioritty: high")),
    ("unknown-choice", (CAMPAIGN, "priority: high", "priority: hihg")),
    ("account", (CAMPAIGN, "from_account: \"{{ campaign.name }}\"", "from_account: \"团队\"")),
    ("undefined-variable", (CAMPAIGN, "{{ campaign.name }}", "{{ campaign.nmae }}")),
    ("broken-json", (CAMPAIGN, "\"city\": \"{{", "\"city\": {{")),
    ("template", (CAMPAIGN, "For {{ group.city }}", "For {{ group.city ")),
    ("undefined-variable", (CAMPAIGN, "desc: \"{{ bonus }}", "desc: \"{{ bouns }}")),
    ("bad-value", (CAMPAIGN, "rate: 50", "rate: 0")),
    ("rate-over-limit", (CAMPAIGN, "rate: 50", "rate: 500")),
    ("window", (CAMPAIGN, "08:00-22:00", "8 to 22")),
    ("tolerate", (CAMPAIGN, "tolerate: 1%", "tolerate: some")),
    ("row-length", (GROUPS, "Shenzhen,20", "Shenzhen,20,x")),
    ("group-id", (GROUPS, "@TGS#2,", "1.2E+11,")),
    ("group-type", (GROUPS, "@TGS#2,Public", "@TGS#2,Opne")),
    ("undefined-variable", (GROUPS, "Chengdu", "")),
    ("group-twice", (GROUPS, "Lhasa,7\n", "Lhasa,7\n@TGS#1,Public,Wuhan,1\n")),
    ("column-twice", (GROUPS, "city,size", "city,city")),
    ("region", (SETTINGS, "region: singapore", "region: singapur")),
    ("unknown-key", (SETTINGS, "region: singapore", "region: singapore\n    limit: {}")),
    ("timezone", (SETTINGS, "timezone: Asia/Shanghai", "timezone: Asia/Shanghia")),
    ("journal", (SETTINGS, "sqlite:campanile.db", "campanile.db")),
    ("listen", (SETTINGS, "127.0.0.1:8787", "localhost")),
    ("unknown-key", (SETTINGS, "serve: {", "roost: {}\nserve: {")),
];

/// What is written instead in two slips of which the one cannot be told before the other is mended, and why.
#[rustfmt::skip]
const DEPEND: &[(&[&str], &[&str], &str)] = &[
    (&["Hello {{ group.city }"], &["{{ bnous }} coins until", "{{ until | uper }}!", "{{ group.size + 1 }} coins until", "text: >"],
        "a template that cannot be parsed is like a file of YAML that cannot"),
    (&["varaibles:\n  bonus"], &["  until: \"Sunday\"\n  member: \"x\"", "  until: \"Sunday\"\n  two words: \"x\""],
        "what stands below a key that is not known is not read"),
    (&["exlude: {"], &["[\"@TGS#3\", \"@TGS#4\"]"], "what stands below a key that is not known is not read"),
    (&["Shenzhen,20,x"], &["Lhasa,7\n@TGS#1,Public,Wuhan,1\n"], "which cell of the row is which is not known"),
    (&["varaibles:\n  bonus"], &["{{ bnous }} coins until", "desc: \"{{ bouns }}"],
        "which variables there are is not known"),
    (&["group.city = 'Lhasa'", "group.ctiy != 'Lhasa'", "group.size > 1"], &[""],
        "the group may be one that `where` leaves out"),
    (&["0 25 * * MON", "from: 1.11."], &["except: [2026-11-10]"],
        "on which days it fires is not known"),
    (&["0 7 * * MON"], &["8 to 22"], "the window is not known"),
    (&["group_files: [audiences/g000.csv, audiences/none.csv]", "group_files: [audiences/g000.csv, exports:g.csv]"],
        &["[\"@TGS#3\", \"@TGS#4\"]"], "the group may stand in the file that cannot be read"),
    (&["city,city"], &["Shenzhen,20,x", "1.2E+11,", "@TGS#2,Opne", "", "Lhasa,7\n@TGS#1,Public,Wuhan,1\n", "[\"@TGS#3\", \"@TGS#4\"]"],
        "a file whose columns are not known is not read"),
    (&["1.2E+11,"], &[""], "whose row it is is not known"),
    (&["id: \"@TGS#A \"", "{ type"], &["\"@TGS#A\"", "[\"@TGS#3\", \"@TGS#4\"]"], "which group it is is not known"),
    (&["app: mian", "region: singapur", "region: singapore\n    limit: {}"], &["rate: 500"], "the limits of the app are not known"),
    (&["roost: {}\nserve: {"], &["group_files: [audiences/g000.csv, exports:g.csv]"], "which roots there are is not known"),
];

/// What is said, but where: code and message.
type Said = BTreeSet<(String, String)>;

/// The slips that two have in common are made only where they do not touch.
fn mended(path: &str, slips: &[Slip]) -> Option<String> {
    let sound = match path {
        CAMPAIGN => NEWS,
        GROUPS => ROWS,
        _ => SOUND,
    };
    let mut places = Vec::new();
    for (file, old, new) in slips {
        if *file == path {
            assert_eq!(sound.matches(old).count(), 1, "{old}");
            let start = sound.find(old).unwrap();
            places.push((start, start + old.len(), *new));
        }
    }
    places.sort_unstable();
    let is_touching = places.windows(2).any(|two| two[1].0 < two[0].1);
    let mut text = sound.to_owned();
    for (start, end, new) in places.iter().rev() {
        text.replace_range(*start..*end, new);
    }
    (!is_touching).then_some(text)
}

/// Checks one repository that has a campaign for each set of slips; all have the same settings.
fn said(settings: &str, sets: &[Vec<Slip>]) -> (Said, Vec<Said>) {
    let place = Place::new();
    place.write(SETTINGS, settings);
    let number = |at: usize| format!("{at:03}");
    for (at, slips) in sets.iter().enumerate() {
        for path in [CAMPAIGN, GROUPS] {
            let text = mended(path, slips).unwrap();
            place.write(
                &path.replace(NUMBER, &number(at)),
                &text.replace(NUMBER, &number(at)),
            );
        }
    }
    let ended = place.run(&["check", "-o", "json", "--now", "2026-11-02T00:00:00Z"]);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let (mut of_settings, mut of_campaigns) = (Said::new(), vec![Said::new(); sets.len()]);
    for each in told["diagnostics"].as_array().unwrap() {
        let path = each["place"]["path"].as_str().unwrap();
        let digits: String = path.chars().filter(char::is_ascii_digit).collect();
        let text = |key: &str| each[key].as_str().unwrap().to_owned();
        let named = |text: String, letter: char| {
            let name = format!("{letter}{digits}");
            if digits.is_empty() {
                text
            } else {
                text.replace(&name, &format!("{letter}{NUMBER}"))
            }
        };
        let message = named(named(text("message"), 'c'), 'g');
        let said = match digits.parse::<usize>() {
            Ok(at) => &mut of_campaigns[at],
            Err(_) => &mut of_settings,
        };
        said.insert((text("code"), message));
    }
    (of_settings, of_campaigns)
}

fn is_of_settings(slip: &Slip) -> bool {
    slip.0 == SETTINGS
}

/// What is told of each slip alone.
fn alone() -> BTreeMap<usize, Said> {
    let campaigns: Vec<usize> = (0..SLIPS.len())
        .filter(|at| !is_of_settings(&SLIPS[*at].1))
        .collect();
    let sets: Vec<Vec<Slip>> = campaigns.iter().map(|at| vec![SLIPS[*at].1]).collect();
    let (nothing, told) = said(SOUND, &sets);
    assert!(nothing.is_empty(), "{nothing:?}");
    let mut alone: BTreeMap<usize, Said> = campaigns.into_iter().zip(told).collect();
    for (at, (_, slip)) in SLIPS.iter().enumerate() {
        if is_of_settings(slip) {
            let (told, others) = said(&mended(SETTINGS, &[*slip]).unwrap(), &[Vec::new()]);
            assert!(others[0].is_empty(), "{slip:?} leads to {others:?}");
            alone.insert(at, told);
        }
    }
    alone
}

/// What is told of each two that do not touch.
fn together() -> Vec<((usize, usize), Said)> {
    // Each with all behind it in the list: those of the settings are behind all others.
    let pairs =
        (0..SLIPS.len()).flat_map(|one| (one + 1..SLIPS.len()).map(move |other| (one, other)));
    let slips = |(one, other): &(usize, usize)| vec![SLIPS[*one].1, SLIPS[*other].1];
    let is_apart = |pair: &(usize, usize)| {
        let mut paths = [CAMPAIGN, GROUPS, SETTINGS].into_iter();
        paths.all(|path| mended(path, &slips(pair)).is_some())
    };
    let (with_settings, campaigns): (Vec<_>, Vec<_>) = pairs
        .filter(is_apart)
        .partition(|(_, other)| is_of_settings(&SLIPS[*other].1));
    let mut together = Vec::new();
    for chunk in campaigns.chunks(900) {
        let sets: Vec<Vec<Slip>> = chunk.iter().map(slips).collect();
        let (_, found) = said(SOUND, &sets);
        together.extend(chunk.iter().copied().zip(found));
    }
    let mut by_settings: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (one, other) in with_settings {
        by_settings.entry(other).or_default().push(one);
    }
    for (other, ones) in by_settings {
        let (beside, of_campaigns): (Vec<usize>, Vec<usize>) = ones
            .into_iter()
            .partition(|one| is_of_settings(&SLIPS[*one].1));
        let sets: Vec<Vec<Slip>> = of_campaigns.iter().map(|one| vec![SLIPS[*one].1]).collect();
        let (told, found) = said(&mended(SETTINGS, &[SLIPS[other].1]).unwrap(), &sets);
        for (one, found) in of_campaigns.into_iter().zip(found) {
            together.push(((one, other), found.union(&told).cloned().collect()));
        }
        for one in beside {
            let settings = mended(SETTINGS, &[SLIPS[one].1, SLIPS[other].1]).unwrap();
            together.push(((one, other), said(&settings, &[Vec::new()]).0));
        }
    }
    together
}

#[test]
fn each_two_mistakes_are_both_told_and_nothing_else() {
    assert!(
        said(SOUND, &[Vec::new()]).1[0].is_empty(),
        "nothing is wrong to begin with"
    );
    let alone = alone();
    let mut wrong = Vec::new();
    for (at, (code, slip)) in SLIPS.iter().enumerate() {
        let codes: Vec<&str> = alone[&at].iter().map(|(code, _)| code.as_str()).collect();
        if codes != [*code] {
            wrong.push(format!("{slip:?} alone is told as {:?}", alone[&at]));
        }
    }
    let mut tried = 0;
    let mut compare = |one: usize, other: usize, found: &Said| {
        tried += 1;
        let expected: Said = alone[&one].union(&alone[&other]).cloned().collect();
        let (slip, beside) = (SLIPS[one].1, SLIPS[other].1);
        let may_depend = DEPEND.iter().any(|(first, second, _)| {
            let are =
                |slip: Slip, beside: Slip| first.contains(&slip.2) && second.contains(&beside.2);
            are(slip, beside) || are(beside, slip)
        });
        if *found != expected && !may_depend {
            let (hidden, more): (Vec<_>, Vec<_>) = (
                expected.difference(found).collect(),
                found.difference(&expected).collect(),
            );
            wrong.push(format!(
                "{:?} and {:?}:\n    hidden {hidden:?}\n    more {more:?}",
                slip.2, beside.2
            ));
        }
    };
    for ((one, other), found) in together() {
        compare(one, other, &found);
    }
    assert!(tried > 1_500, "{tried} pairs");
    assert!(
        wrong.is_empty(),
        "{} of {tried} pairs are told otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
