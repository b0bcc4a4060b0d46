//! Files that mean no good: each is told of in bounded memory, and none reaches the terminal as it is.

use super::place::{Ended, Place};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

/// Address space that the program gets, in KiB; what is read here would be many times that.
const MEMORY_KIB: u32 = 1_200_000;
/// It is not the machine that is measured: whoever takes so long does not end.
const ENDLESS_S: u32 = 240;
/// Seconds on the processor, which a busy machine does not make more.
const PROCESSOR_S: u32 = 30;

/// The program in little memory.
pub(crate) fn bounded(place: &Place, arguments: &str) -> Ended {
    let ended = place.shell(&format!(
        "ulimit -c 0; ulimit -v {MEMORY_KIB}; ulimit -t {PROCESSOR_S}; exec timeout -s KILL {ENDLESS_S} \"$CAMPANILE\" {arguments}"
    ));
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    ended
}

fn news(template: &str) -> String {
    let text = serde_json::to_string(template).unwrap();
    format!("audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text: {text} }} }}\n")
}

/// What is said of a campaign file.
#[track_caller]
fn refused(yaml: &str, words: &str) {
    let place = Place::new();
    place.write("campaigns/news.yaml", yaml);
    bounded(&place, "check").assert(78, &[words]);
}

pub(crate) fn assert_tame(ended: &Ended) {
    for said in [&ended.out, &ended.err] {
        let strange = |each: char| each != '\n' && each.is_control();
        assert!(!said.contains(strange), "{said:?}");
    }
}

#[test]
fn yaml_that_grows_or_nests_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        bomb = [bomb, format!("a{level}: &a{level} [{before}]\n")].concat();
    }
    refused(&bomb, "repeated by aliases");
    for nested in ["[", "{a: ", "- ", "? ", "[{"] {
        refused(&nested.repeat(200_000), "nested more than 64 deep");
    }
    refused(&"# long\n".repeat(200_000), "larger than 1 MiB");
    let keys: Vec<String> = (0..60_000).map(|key| format!("k{key}: 1\n")).collect();
    refused(&keys.concat(), "60,000 unknown keys");
    refused("a: 1\0\n", "is not allowed here");
    refused(&news("a").replace("\"a\"", "\"\\ud800\""), "surrogate");
}

#[test]
fn templates_that_never_end_are_refused() {
    let work = "does too much work";
    let long = "{% set l = range(9999) %}{% for a in l %}{% set x = l | sort | reverse | list %}{% endfor %}";
    refused(&news(long), work);
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    refused(&news(nested), work);
    let upper =
        "{% set s = 'a' * 60000 %}{% for a in range(9999) %}{% set x = s | upper %}{% endfor %}";
    refused(&news(upper), work);
    for (template, words) in [
        ("{{ 'a' * 10 ** 9 }}", "never what is meant"),
        (
            "{{ ('1' * 60000) | number(2, group='a' * 60000) }}",
            "too long",
        ),
        (
            "{% for a in range(9999) %}0123456789{% endfor %}",
            "too long",
        ),
        ("{{ range(10 ** 12) | length }}", "more than 10,000 numbers"),
        ("{{ 9 ** 9 ** 9 ** 9 }}", "unable to calculate"),
        (
            "{% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
            "recursion limit",
        ),
        (
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "there is no statement `macro`",
        ),
        (
            "{% include 'campaigns/news.yaml' %}",
            "there is no statement `include`",
        ),
    ] {
        refused(&news(template), words);
    }
    let deep = format!("{{% set a = [1] %}}{}", "{% set a = [a] %}".repeat(3_000));
    refused(&news(&deep), "nested too deep");
}

/// An audience whose every row takes a second would take hours.
const ROWS: usize = 20_000;

#[test]
fn what_has_no_end_is_not_tried_for_every_row() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let long = "{% for a in range(9999) %}0123456789{% endfor %}";
    let sorted = format!("('a' * 9000) | list{}", " | sort".repeat(40));
    let send = |text: &str| format!("send: {{ group_message: {{ text: \"{text}\" }} }}\n");
    let groups = "audience: { group_files: [rows.csv] }\n";
    let members = "audience: { groups: [g1], member_files: [rows.csv] }\n";
    let filtered = |audience: &str, name: &str| {
        let condition = format!(", where: \"({sorted}) | length > {name}.id | length\" }}");
        audience.replace(" }", &condition) + &send("Hi")
    };
    let untried = "19,999 more targets were not tried";
    for (column, campaign, words) in [
        (
            "group",
            groups.to_owned() + &send(nested),
            &["too much work", untried][..],
        ),
        (
            "group",
            groups.to_owned() + &send(long),
            &["too long", untried],
        ),
        (
            "group",
            filtered(groups, "group"),
            &["too much work", untried],
        ),
        (
            "member",
            members.to_owned() + &send(&format!("{{{{ member.id }}}}{nested}")),
            &["too much work"],
        ),
        ("member", filtered(members, "member"), &["too much work"]),
    ] {
        let place = Place::new();
        let rows: Vec<String> = (0..ROWS).map(|row| format!("g{row}\n")).collect();
        place.write("rows.csv", &format!("{column}\n{}1.2E+11\n", rows.concat()));
        place.write("campaigns/news.yaml", &campaign);
        for verb in ["check", "preview news", "run news --sandbox --yes"] {
            let ended = bounded(&place, verb);
            ended.assert(78, words);
            assert_eq!(
                ended.err.matches("template-runaway]").count(),
                1,
                "{ended:?}"
            );
        }
        // Rows are read to the end all the same.
        if column == "group" {
            bounded(&place, "check").assert(78, &["1.2E+11"]);
        }
    }
}

#[test]
fn a_message_of_too_many_elements_is_refused_before_it_is_made() {
    let elements = |count: usize| {
        let elements = "{text: \"a\"},".repeat(count);
        format!(
            "audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ elements: [{elements}] }} }}\n"
        )
    };
    let place = Place::new();
    place.write("campaigns/news.yaml", &elements(230));
    bounded(&place, "check").assert(0, &["news: 1 call"]);
    // Those that the bound would let through are too long by their bytes, whatever they say.
    refused(&elements(231), "the message comes out as 12,013 bytes");
    refused(&elements(60_000), "`elements` must have at most 250 items");
    let long = "\"{{ 'a' * 60000 }}\"";
    let push = format!("offline_push: {{ title: {long}, desc: {long} }}");
    refused(
        &news("Hi").replace("text:", &format!("{push}, text:")),
        "the call comes out as 120,",
    );
}

/// Of each kind of file that is read.
const FILES: [&str; 4] = ["campaigns/odd.yaml", "odd.csv", "odd.txt", "campanile.yaml"];

/// A place in which something is to stand at one of those, and a campaign that reads it.
fn place_around(path: &str) -> Place {
    let place = Place::new();
    place.write("campaigns/news.yaml", &news("Hi"));
    let reader = match path {
        "odd.csv" => {
            "audience: { group_files: [odd.csv] }\nsend: { group_message: { text: \"Hi\" } }\n"
        }
        "odd.txt" => {
            "audience: { groups: [g1] }\nsend: { group_message: { text_file: odd.txt } }\n"
        }
        _ => return place,
    };
    place.write("campaigns/reader.yaml", reader);
    place
}

/// Something at this path in place of what may be there.
fn put(place: &Place, path: &str, make: impl FnOnce(&std::path::Path)) {
    let whole = place.path().join(path);
    let _ = fs::remove_file(&whole);
    make(&whole);
}

#[test]
fn what_is_no_plain_file_is_not_read() {
    for path in FILES {
        let place = place_around(path);
        put(&place, path, |whole| {
            assert!(
                Command::new("mkfifo")
                    .arg(whole)
                    .status()
                    .unwrap()
                    .success()
            );
        });
        bounded(&place, "check").assert(78, &["is not a plain file"]);
        put(&place, path, |whole| {
            drop(UnixListener::bind(whole).unwrap());
        });
        bounded(&place, "check").assert(78, &["is not a plain file"]);
        for device in ["/dev/zero", "/dev/stdin", "/dev/tty"] {
            put(&place, path, |whole| symlink(device, whole).unwrap());
            let words = if path == "campanile.yaml" {
                "plain file"
            } else {
                "leads out"
            };
            bounded(&place, "check").assert(78, &[words]);
        }
        put(&place, path, |whole| symlink(whole, whole).unwrap());
        bounded(&place, "check").assert(78, &["cannot be read", "symbolic links"]);
    }
}

#[test]
fn large_files_are_not_read_to_their_end() {
    for (path, words) in FILES.into_iter().zip(["1 MiB", "2 GiB", "1 MiB", "1 MiB"]) {
        let place = place_around(path);
        put(&place, path, |whole| {
            File::create(whole).unwrap().set_len(3 << 30).unwrap();
        });
        bounded(&place, "check").assert(78, &["is larger than", words]);
    }
    let place = place_around("odd.csv");
    put(&place, "odd.csv", |whole| {
        File::create(whole).unwrap().set_len(2 << 30).unwrap();
    });
    bounded(&place, "check").assert(78, &["the line is longer than 64 KiB"]);
}

#[test]
fn rows_that_are_too_much_are_told_once() {
    let repeated = |count: usize, name: fn(usize) -> String| -> String {
        let names: Vec<String> = (0..count).map(name).collect();
        names.concat()
    };
    let columns = |count| repeated(count, |at| format!(",c{at}"));
    let members = |count| repeated(count, |at| format!(",\"c{at}\":1"));
    for (name, text, words) in [
        (
            "odd.csv",
            format!("group{}\n", columns(9_000)),
            "256 columns",
        ),
        (
            "odd.csv",
            format!("group{}\n", columns(100_000)),
            "longer than 64 KiB",
        ),
        (
            "odd.csv",
            format!("group,x\ng1,{}\n", "a".repeat(1 << 20)),
            "longer than 64 KiB",
        ),
        (
            "odd.csv",
            format!("group,x\n{}\n", ",".repeat(60_000)),
            "60001",
        ),
        (
            "odd.jsonl",
            format!("{{\"group\":\"g1\"{}}}\n", members(6_000)),
            "256 columns",
        ),
        (
            "odd.jsonl",
            format!(
                "{{\"group\":\"g1\",\"x\":{}{}}}\n",
                "[".repeat(9_000),
                "]".repeat(9_000)
            ),
            "32 levels",
        ),
    ] {
        let place = place_around("odd.csv");
        place.write(name, &text);
        let reader = fs::read_to_string(place.path().join("campaigns/reader.yaml")).unwrap();
        place.write("campaigns/reader.yaml", &reader.replace("odd.csv", name));
        let ended = bounded(&place, "check");
        ended.assert(78, &[words]);
        assert!(ended.err.len() < 10_000, "{} bytes", ended.err.len());
    }
}

#[test]
fn links_lead_nowhere_else() {
    let place = place_around("odd.csv");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("odd.csv"), "group\nsecret-group\n").unwrap();
    fs::write(outside.path().join("other.yaml"), news("secret")).unwrap();
    symlink(outside.path().join("odd.csv"), place.path().join("odd.csv")).unwrap();
    symlink(outside.path(), place.path().join("campaigns/folder")).unwrap();
    symlink(place.path(), place.path().join("campaigns/loop")).unwrap();
    let ended = bounded(&place, "check");
    ended.assert(
        78,
        &[
            "`odd.csv` leads out of the repository",
            "2 campaigns checked",
        ],
    );
    assert!(!ended.err.contains("secret"), "{}", ended.err);
    let reader = fs::read_to_string(place.path().join("campaigns/reader.yaml")).unwrap();
    symlink(outside.path(), place.path().join("folder")).unwrap();
    for path in ["folder/odd.csv", "../odd.csv", "campaigns/../../odd.csv"] {
        place.write("campaigns/reader.yaml", &reader.replace("odd.csv", path));
        bounded(&place, "check").assert(78, &["leads out of the repository"]);
    }

    let elsewhere = Place::new();
    symlink(outside.path(), elsewhere.path().join("campaigns")).unwrap();
    bounded(&elsewhere, "check").assert(78, &["`campaigns` leads out of the repository"]);
}

#[test]
fn a_campaign_is_not_passed_over_for_its_name_or_its_depth() {
    let place = Place::new();
    place.write("campaigns/news.yaml", &news("Hi"));
    let name = std::ffi::OsStr::from_bytes(b"odd\xff.yaml");
    fs::write(place.path().join("campaigns").join(name), news("Hi")).unwrap();
    let ended = bounded(&place, "check");
    ended.assert(
        78,
        &["is not UTF-8 text", "rename the file", "news: 1 call"],
    );
    let deep = Place::new();
    let folders = "d/".repeat(40);
    deep.write(&format!("campaigns/{folders}news.yaml"), &news("Hi"));
    bounded(&deep, "check").assert(78, &["more than 16 folders deep"]);
}

#[test]
fn text_that_is_no_utf8_is_told_with_its_place() {
    let mut yaml = news("Hi").into_bytes();
    yaml.extend(b"# \xff\n");
    let cases: [(&str, &[u8]); 4] = [
        ("campaigns/odd.yaml", &yaml),
        ("odd.csv", b"group,city\ng1,\xff\n"),
        ("odd.txt", b"Hi \xff\n"),
        ("campanile.yaml", b"apps: {} # \xff\n"),
    ];
    for (path, bytes) in cases {
        let place = place_around(path);
        fs::write(place.path().join(path), bytes).unwrap();
        bounded(&place, "check").assert(78, &[path, "not UTF-8"]);
    }
}

#[test]
fn control_characters_are_not_sent() {
    let rows = |cell: &str| format!("group,city\ng1,Shenzhen\ng2,\"{cell}\"\n");
    let reader = "audience: { group_files: [odd.csv] }\nsend: { group_message: { text: \"Hi {{ group.city }}\" } }\n";
    for (cell, number) in [
        ("a\0b", "U+0000"),
        ("\u{1b}[31m", "U+001B"),
        ("\u{9b}", "U+009B"),
    ] {
        let place = Place::new();
        place.write("campaigns/reader.yaml", reader);
        place.write("odd.csv", &rows(cell));
        let ended = bounded(&place, "check");
        ended.assert(78, &["control-character", number, "g2"]);
        assert_tame(&ended);
    }
    refused(&news("a{{ '\\u0007' }}"), "U+0007");
    refused(&news("a\u{7}"), "U+0007");
    let place = Place::new();
    place.write("campaigns/reader.yaml", reader);
    place.write("odd.csv", &rows("a\tb"));
    place.write("campaigns/lines.yaml", &news("a\r\nb\tc\n"));
    bounded(&place, "check").assert(0, &["2 campaigns checked: 0 errors"]);
}

#[test]
fn nothing_strange_reaches_the_terminal() {
    let strange = "\u{1b}]0;own\u{7}\u{1b}[31m\u{9b}1m";
    let place = Place::new();
    place.write(
        &format!("campaigns/{strange}.yaml"),
        &format!("\"{strange}\": 1\n")
            .replace('\u{1b}', "\\e")
            .replace('\u{7}', "\\a"),
    );
    place.write(&format!("campaigns/{strange}.yml"), "x: 1\n");
    let values = "name: news\nowner: \"\\e[31mann\\a\"\ndescription: \"\\e]0;own\\a\"\nlabels: { a: \"\\e[31m\" }\napp: \"\\e[31m\"\naudience: { group_files: [\"\\e[31m.csv\"] }\nsend: { group_message: { text_file: \"\\e[31m.txt\" } }\n";
    place.write("campaigns/values.yaml", values);
    let shown = "owner: \"\\e[31mann\\a\"\ndescription: \"\\e]0;own\\a\"\naudience: { groups: [{ id: g1, variables: { city: \"\\e[31m\" } }] }\nsend: { group_message: { text: \"Hi\" } }\n";
    place.write("campaigns/shown.yaml", shown);
    for arguments in [
        "check",
        "check -o github",
        "check -o json",
        "check -o sarif",
        "list",
        "list -o json",
        "preview shown",
        "preview shown -o markdown",
        "show shown",
        "next shown",
        "run shown --sandbox",
        "run values --sandbox",
    ] {
        assert_tame(&bounded(&place, arguments));
    }
    let mut named = place.command(&["check", strange]);
    assert_tame(&Ended::of(&named.output().unwrap()));
}
