//! Files that make the engine panic, or nest deeper than any stack: each costs its own campaign, in every verb.

use super::place::{Ended, Place, Running};
use super::serving::{drained, has, now, soon};
use super::vendor::Vendor;
use std::fmt::Write;

/// Templates at which the engine panics.
const PANICS: [&str; 6] = [
    "{{ 'abc'[:3:-1] }}",
    "{{ group.city[::-1] }}",
    "{{ 'abc'[::-9223372036854775808] }}",
    "{{ [1, 2][9:5:-1] | list | length }}",
    "{% for a in [1, 2][5:9:-1] %}{{ a }}{% endfor %}",
    "{% for a in [1] %}{{ loop.cycle() }}{% endfor %}",
];
const VERBS: [&[&str]; 4] = [
    &["check"],
    &["preview", "news"],
    &["run", "news", "--dry-run", "--sandbox"],
    &["run", "news", "--sandbox", "--yes"],
];

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn send(text: &str) -> String {
    format!("send: {{ group_message: {{ text: {} }} }}\n", quoted(text))
}

fn news(text: &str) -> String {
    format!("audience: {{ groups: [g1] }}\n{}", send(text))
}

/// No panic reaches the terminal, and no signal ends the program.
#[track_caller]
fn assert_contained(ended: &Ended, what: &str) {
    assert!([0, 78].contains(&ended.code), "{what}: {ended:?}");
    assert!(!ended.err.contains("panicked"), "{what}: {ended:?}");
}

#[test]
fn template_that_panics_is_a_diagnostic_at_its_line_in_every_verb() {
    for template in PANICS {
        let place = Place::new();
        place.write("groups.csv", "group,city,note\ng1,,x\n");
        let audience = "audience: { group_files: [groups.csv] }";
        let template = template.replace("group.city", "(group.city | default(''))");
        let text = format!("send:\n  group_message:\n    text: |\n      Hello\n      {template}\n");
        place.write("campaigns/news.yaml", &format!("{audience}\n{text}"));
        place.write("campaigns/other.yaml", &news("Hi"));
        for verb in VERBS {
            let ended = place.run(verb);
            assert_contained(&ended, &template);
            ended.assert(
                78,
                &["error[internal-error]", "campaigns/news.yaml:6:", "(at "],
            );
        }
        place.run(&["check"]).assert(78, &["2 campaigns checked"]);
        place.run(&["preview", "other"]).assert(0, &["Hi"]);
    }
}

#[test]
fn condition_that_panics_is_a_diagnostic_at_its_line_in_every_verb() {
    for (yaml, line) in [
        (
            "audience:\n  group_files: [groups.csv]\n  where: \"group.city[:3:-1] == ''\"\nsend: { group_message: { text: \"Hi\" } }\n",
            3,
        ),
        (
            "audience: { group_files: [groups.csv] }\nsend: { group_message: { text: { by: \"group.city[:3:-1]\", cases: { a: \"Hi\" }, otherwise: \"Ho\" } } }\n",
            2,
        ),
    ] {
        let place = Place::new();
        place.write("groups.csv", "group,city\ng1,abc\n");
        place.write("campaigns/news.yaml", yaml);
        for verb in VERBS {
            let ended = place.run(verb);
            assert_contained(&ended, yaml);
            let place = format!("campaigns/news.yaml:{line}:");
            ended.assert(78, &["error[internal-error]", &place]);
        }
    }
}

#[test]
fn panic_for_every_row_is_told_once_and_tried_once() {
    let place = Place::new();
    let rows: String = (0..20_000).fold(String::new(), |mut rows, row| {
        writeln!(rows, "g{row},").unwrap();
        rows
    });
    place.write("groups.csv", &format!("group,city\n{rows}"));
    let audience = "audience: { group_files: [groups.csv] }\n";
    let text = send("{{ (group.city | default(''))[::-1] }}");
    place.write("campaigns/news.yaml", &(audience.to_owned() + &text));
    let ended = place.run(&["check"]);
    ended.assert(78, &["19,999 more targets were not tried"]);
    assert_eq!(ended.err.matches("error[").count(), 1, "{ended:?}");
}

/// What is repeated to nest: opened, in the middle, closed.
const NESTED: [(&str, &str, &str); 34] = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("{1: ", "1", "}"),
    ("(1, ", "1", ")"),
    ("-", "1", ""),
    ("- ", "x", ""),
    ("not ", "true", ""),
    ("(-", "1", ")"),
    ("(not ", "1", ")"),
    ("-[", "1", "]"),
    (
        "(----------------------------------------------------------------",
        "1",
        ")",
    ),
    ("(not not not not not not not ", "1", ")"),
    ("dict(a=", "1", ")"),
    ("x[", "1", "]"),
    ("x[1:", "1", "]"),
    ("1 + ", "1", ""),
    ("1 ~ (", "1", ")"),
    ("1 ** ", "1", ""),
    ("1 if 1 else ", "1", ""),
    ("1 < ", "1", ""),
    ("1 and ", "1", ""),
    ("1 is divisibleby ", "1", ""),
    ("", "1", " | string"),
    ("", "x", ".a"),
    ("", "x", "[0]"),
    ("", "x", "()"),
    ("", "x", "[:]"),
    ("", "1", " is odd"),
    ("", "1", " | default(("),
    ("", "x", "("),
    ("(1 if ", "1", " else 1)"),
    ("[-(", "1", ")]"),
    ("'a' in [", "'b'", "]"),
    ("x[-(", "1", ")]"),
];
const NESTED_BLOCKS: [(&str, &str); 10] = [
    ("{% if 1 %}", "{% endif %}"),
    ("{% if 0 %}{% elif 1 %}", "{% endif %}"),
    ("{% if 0 %}{% else %}", "{% endif %}"),
    ("{% for a in [1] %}", "{% endfor %}"),
    ("{% with a = 1 %}", "{% endwith %}"),
    ("{% filter upper %}", "{% endfilter %}"),
    ("{% set a %}", "{% endset %}"),
    ("{% autoescape true %}", "{% endautoescape %}"),
    ("{% if ((((((((1)))))))) %}", "{% endif %}"),
    (
        "{% set ((((a)))) = 1 %}{% if not not not 1 %}",
        "{% endif %}",
    ),
];
const TEMPLATE_MAX: usize = 64 << 10;

/// Expressions of all kinds, so deep or as deep as the longest template holds.
fn expressions(depth: usize) -> Vec<String> {
    let nested = NESTED.iter().map(|(open, middle, close)| {
        let most = (TEMPLATE_MAX - 100) / (open.len() + close.len());
        let depth = depth.min(most);
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    });
    nested.collect()
}

fn templates(depth: usize) -> Vec<String> {
    let printed = expressions(depth).into_iter().flat_map(|expression| {
        [
            format!("Hi{{% if false %}}{{{{ {expression} }}}}{{% endif %}}"),
            format!("Hi{{% if false %}}{{% set a = {expression} %}}{{% endif %}}"),
        ]
    });
    let blocks = NESTED_BLOCKS.iter().map(|(open, close)| {
        let depth = depth.min((TEMPLATE_MAX - 100) / (open.len() + close.len()));
        format!("Hi{}{}", open.repeat(depth), close.repeat(depth))
    });
    printed.chain(blocks).collect()
}

/// Campaigns that nest in every place where a file can.
fn nested_campaigns(depth: usize) -> Vec<String> {
    let mut campaigns: Vec<String> = templates(depth).iter().map(|text| news(text)).collect();
    for expression in expressions(depth) {
        let expression = quoted(&expression);
        campaigns.push(format!(
            "audience: {{ group_files: [groups.csv], where: {expression} }}\n{}",
            send("Hi")
        ));
        campaigns.push(format!(
            "audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text: {{ by: {expression}, cases: {{ a: \"Hi\" }}, otherwise: \"Ho\" }} }} }}\n"
        ));
    }
    let brackets = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    campaigns.push(format!(
        "audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ elements: [{{ custom: {{ data_json: {} }} }}] }} }}\n",
        brackets(depth)
    ));
    campaigns.push(format!(
        "audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ elements: [{{ custom: {{ data: {} }} }}] }} }}\n",
        quoted(&brackets(depth))
    ));
    campaigns.push(format!(
        "variables: {{ a: {} }}\n{}",
        brackets(depth),
        news("Hi")
    ));
    campaigns.push(format!(
        "schedule: {{ cron: {} }}\n{}",
        quoted(&format!("{}0 9 * * *", "(".repeat(depth))),
        news("Hi")
    ));
    campaigns.push(format!(
        "schedule: {{ cron: {} }}\n{}",
        quoted(&format!("0{} 9 * * *", ",0-59/1".repeat(depth))),
        news("Hi")
    ));
    campaigns.push(format!(
        "audience: {{ group_files: [deep.jsonl] }}\n{}",
        send("Hi")
    ));
    campaigns
}

fn place_with(campaigns: &[String], depth: usize) -> Place {
    let place = Place::new();
    for (number, campaign) in campaigns.iter().enumerate() {
        place.write(&format!("campaigns/n{number}.yaml"), campaign);
    }
    place.write("groups.csv", "group\ng1\n");
    let depth = depth.min(30_000);
    let row = format!(
        "{{\"group\": \"g1\", \"a\": {}1{}}}\n",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    place.write("deep.jsonl", &row);
    place
}

/// The system's limit of the main thread's stack is as small as a container may have it.
#[track_caller]
fn run_with_small_stack(place: &Place, arguments: &str) -> Ended {
    let ended = place.shell(&format!(
        "ulimit -c 0; ulimit -s 512; exec \"$CAMPANILE\" {arguments}"
    ));
    assert_contained(&ended, arguments);
    ended
}

#[test]
fn nesting_of_any_kind_and_depth_ends_no_check() {
    for depth in [1, 60, 74, 75, 148, 150, 199, 200, 201, TEMPLATE_MAX] {
        let place = place_with(&nested_campaigns(depth), depth);
        let ended = run_with_small_stack(&place, "check");
        let count = format!("{} campaigns checked", nested_campaigns(depth).len());
        assert!(
            ended.out.contains(&count) || ended.err.contains(&count),
            "{depth}: {ended:?}"
        );
    }
}

#[test]
fn nesting_of_any_kind_ends_no_preview_and_no_dry_run() {
    for depth in [150, TEMPLATE_MAX] {
        let campaigns = nested_campaigns(depth);
        let place = place_with(&campaigns, depth);
        // Each verb reads a file in the same way, so a part of them is enough.
        for number in (0..campaigns.len()).step_by(7) {
            run_with_small_stack(&place, &format!("preview n{number}"));
            run_with_small_stack(&place, &format!("run n{number} --dry-run --sandbox"));
        }
    }
}

#[test]
fn lists_made_of_each_other_are_as_deep_as_they_look() {
    for step in ["x[:]", "x * 1", "x | reverse", "x | chain", "x + []"] {
        let step = format!("{{%set x={step}%}}");
        let steps = step.repeat((TEMPLATE_MAX - 100) / step.len());
        let place = Place::new();
        place.write(
            "campaigns/news.yaml",
            &news(&format!("{{% set x = [1] %}}{steps}{{{{ x | length }}}}")),
        );
        run_with_small_stack(&place, "check").assert(0, &["1 campaign checked"]);
    }
    let loops = format!(
        "{{% for a in [[1]] recursive %}}{{% set y = a{} %}}{{{{ loop([y]) }}}}{{% endfor %}}",
        "[:]".repeat(150)
    );
    let place = Place::new();
    place.write("campaigns/news.yaml", &news(&loops));
    run_with_small_stack(&place, "check").assert(78, &["error[template"]);
}

/// C1 and C2: the daemon lives, and the good campaign is sent at its slot.
#[test]
fn file_saved_while_serving_that_panics_or_nests_costs_its_own_campaign() {
    let vendor = Vendor::start(&[]);
    let slot = soon(15);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place.write("campaigns/news.yaml", &super::serving::news(&[slot], ""));
    let mut daemon = Running::of(place.server().spawn().unwrap());
    daemon.line_with("started:");
    place.write("empty.csv", "group,city\ng1,\n");
    let at = slot.format("%Y-%m-%dT%H:%M:%S");
    let schedule = format!("schedule: {{ at: [{at}] }}\n");
    let minus = format!("({}", "-".repeat(150));
    let minus = format!("{}1{}", minus.repeat(70), ")".repeat(70));
    for (name, audience, text) in [
        ("slice", "groups: [g1]", "{{ 'abc'[:3:-1] }}".to_owned()),
        (
            "cell",
            "group_files: [empty.csv]",
            "{{ (group.city | default(''))[::-1] }}".to_owned(),
        ),
        (
            "nested",
            "groups: [g1]",
            format!("Hi{{% if false %}}{{{{ {minus} }}}}{{% endif %}}"),
        ),
    ] {
        let yaml = format!(
            "name: {name}\n{schedule}audience: {{ {audience} }}\n{}",
            send(&text)
        );
        place.write(&format!("campaigns/{name}.yaml"), &yaml);
    }
    assert!(now() < slot, "the files are saved before the slot");
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    let status = place.run(&["status"]);
    for name in ["slice", "cell", "nested"] {
        let file = format!("campaigns/{name}.yaml:4");
        assert!(status.out.contains(&file), "{file}: {status:?}");
    }
    let told = drained(daemon);
    assert!(!told.contains("panicked"), "{told}");
    assert_eq!(vendor.ledger().len(), 3, "{told}");
}

/// However few descriptors there are, nothing is said to be wrong with a campaign that is right.
#[test]
fn shortage_of_descriptors_is_no_verdict_about_a_campaign() {
    let place = Place::new();
    place.write("groups.csv", "group,city\ng1,Shenzhen\n");
    place.write("texts/news.txt", "Hello");
    place.write(
        "campaigns/news.yaml",
        "audience: { group_files: [groups.csv] }\nsend: { group_message: { text_file: texts/news.txt } }\n",
    );
    let mut ends = std::collections::BTreeSet::new();
    for descriptors in 8..20 {
        for verb in ["check", "preview news", "run news --dry-run --sandbox"] {
            let ended = place.shell(&format!(
                "ulimit -c 0; ulimit -n {descriptors}; exec \"$CAMPANILE\" {verb}"
            ));
            assert!(
                [0, 1, 75, 127].contains(&ended.code),
                "{descriptors}: {ended:?}"
            );
            ends.insert(ended.code);
        }
    }
    assert!(ends.contains(&0) && ends.contains(&75), "{ends:?}");
}

/// C6: a file that is saved while the daemon has no descriptors is read when it has some again.
#[test]
fn file_saved_while_the_daemon_has_no_descriptors_is_sent_at_its_slot() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let vendor = Vendor::start(&[]);
    let slot = soon(45);
    let place = Place::with_news(&vendor.endpoint(), 3);
    place.write("campaigns/other.yaml", &news("Hi"));
    let mut daemon = Running::of(place.server().spawn().unwrap());
    daemon.line_with("started:");
    let id = Some(Pid::from_child(daemon.child()));
    let limit = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(0),
        maximum: limit.maximum,
    };
    prlimit(id, Resource::Nofile, none).unwrap();
    place.write("campaigns/news.yaml", &super::serving::news(&[slot], ""));
    daemon.line_with("Too many open files");
    prlimit(id, Resource::Nofile, limit).unwrap();
    place.wait_until("sent", |status| has(status, "finished", slot, "done"));
    let told = drained(daemon);
    assert!(!told.contains("is held"), "{told}");
    assert_eq!(vendor.ledger().len(), 3, "{told}");
}
