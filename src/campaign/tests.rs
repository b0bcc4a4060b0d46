//! Slips that are mended for certain, planted one by one into many campaigns.

use super::{Campaign, Texts};
use crate::settings::Settings;
use crate::source::{Diagnostic, Mended, Source, mended};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::sync::{Arc, LazyLock};

fn read(source: &Arc<Source>) -> Result<Campaign, Vec<Diagnostic>> {
    static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
        let settings = "apps: { main: { sdk_app_id: 1, region: singapore } }\n";
        Settings::read(&Source::new("campanile.yaml", settings), &[]).unwrap()
    });
    Campaign::read(source, &SETTINGS, &Texts::new())
}

fn look(source: &Arc<Source>) -> Vec<Diagnostic> {
    read(source).map_or_else(|found| found, |campaign| campaign.warnings)
}

/// A line of a campaign: its indentation, the key and how it is written with the value, and what follows.
#[derive(Clone, Debug)]
struct Line {
    indent: usize,
    key: &'static str,
    value: String,
    behind: &'static str,
}

impl Line {
    fn with(&self, key: &str, colon: &str, value: &str) -> String {
        let Line { indent, behind, .. } = self;
        format!("{}{key}{colon}{value}{behind}", "  ".repeat(*indent))
    }

    fn right(&self) -> String {
        self.with(
            self.key,
            if self.value.is_empty() { ":" } else { ": " },
            &self.value,
        )
    }
}

/// Text that needs its quotes to be sent, and nothing else.
fn sentence() -> impl Strategy<Value = String> {
    let texts = [
        "Hello, it's a % of [all]!",
        "你好，{{ group.id }}",
        "{{ group.id }} and {{ campaign.name }}, all",
        "@all of you",
        "مرحبا 😀",
        "a\\b \\\"c\\\"",
        "* * *",
    ];
    select(texts.to_vec()).prop_map(|text| format!("\"{text}\""))
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let behind = select(["", "", "  # why", "   "].as_slice());
    let crons = [
        "\"*/15 9-17 * * MON-FRI\"",
        "\"0 9 * * *\"",
        "\"*/5 * * * *\"",
    ];
    let groups = [
        "[\"@TGS#1\", \"@TGS#2C5SZEAEF\"]",
        "[ \"@TGS#a\" ]",
        "[\"17\", \"g1\"]",
    ];
    let optional = prop::collection::vec(any::<bool>(), 8);
    let choices = (select(crons.to_vec()), select(groups.to_vec()), sentence());
    (choices, optional, prop::collection::vec(behind, 16)).prop_map(
        |((cron, groups, text), optional, behind)| {
            let all = [
                (0, "name", "\"2026\"", true),
                (0, "description", "what it is for", optional[0]),
                (0, "owner", "\"0012\"", optional[1]),
                (0, "labels", "{ season: \"1e3\" }", optional[2]),
                (0, "timezone", "Asia/Shanghai", optional[3]),
                (0, "schedule", "", optional[4]),
                (1, "cron", cron, optional[4]),
                (1, "start_within", "1h", optional[4] && optional[5]),
                (0, "audience", "", true),
                (1, "groups", groups, true),
                (1, "sample", "10%", optional[6]),
                (0, "send", "", true),
                (1, "group_message", "", true),
                (2, "text", text.as_str(), true),
                (2, "priority", "high", optional[7]),
                (0, "delivery", "{ attempts: 3 }", optional[5]),
            ];
            let lines = all
                .into_iter()
                .zip(behind)
                .filter(|((.., is_there), _)| *is_there);
            let line = |((indent, key, value, _), behind): ((usize, _, &str, _), _)| Line {
                indent,
                key,
                value: value.to_owned(),
                behind,
            };
            lines.map(line).collect()
        },
    )
}

/// A way of writing the line wrong, if it has one of this kind.
fn planted(line: &Line, kind: usize, at: Index) -> Option<String> {
    let Line { key, value, .. } = line;
    let colon = if value.is_empty() { ":" } else { ": " };
    match kind {
        0 => {
            let open = value.find('"')?;
            let close = open + 1 + value[open + 1..].find(['"', '\\'])?;
            let bare = &value[open + 1..close];
            let is_all = value[close..].starts_with('"');
            // What YAML takes as it stands, and what it cuts, is no slip of this kind.
            let is_slip =
                bare.starts_with(['@', '*', '{']) || bare.parse::<f64>().is_ok() || *key == "text";
            let is_cut =
                line.behind.starts_with(' ') && *key == "text" && line.behind.contains('#');
            let bare = format!("{}{bare}{}", &value[..open], &value[close + 1..]);
            (is_all && is_slip && !is_cut).then(|| line.with(key, colon, &bare))
        }
        1 => Some(line.with(key, "：", value)),
        2 => Some(line.with(key, "： ", value)),
        _ => {
            let mut letters: Vec<char> = key.chars().collect();
            let at = at.index(letters.len() - 1);
            match kind {
                3 => letters.swap(at, at + 1),
                4 => drop(letters.remove(at)),
                _ => letters.insert(at, letters[at]),
            }
            let wrong: String = letters.into_iter().collect();
            (wrong != *key).then(|| line.with(&wrong, colon, value))
        }
    }
}

/// As it was, but for blanks behind a colon that was mended.
fn mended_line(line: &Line, kind: usize) -> String {
    let Line {
        key, value, behind, ..
    } = line;
    let rest = format!("{value}{behind}");
    let is_spaced = rest.is_empty() || rest.starts_with(' ');
    match kind {
        1 if is_spaced => line.with(key, ":", value),
        1 | 2 => line.with(key, ": ", value),
        _ => line.right(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_slip_is_mended_to_what_was_there(
        lines in lines(),
        kind in 0..6_usize,
        at in any::<(Index, Index)>(),
        end in select(["\n", "\r\n"].as_slice()),
    ) {
        let right: Vec<String> = lines.iter().map(Line::right).collect();
        let text = right.join(end);
        let source = Source::new("news.yaml", text.as_str());
        prop_assert!(read(&source).is_ok(), "{text}\n{:?}", look(&source));
        let number = at.0.index(lines.len());
        let Some(wrong) = planted(&lines[number], kind, at.1) else {
            return Ok(());
        };
        let mut typed = right.clone();
        typed[number] = wrong;
        let typed = typed.join(end);
        let source = Source::new("news.yaml", typed.as_str());
        prop_assert!(read(&source).is_err(), "no slip:\n{typed}");
        let Mended { text: found, made } = mended(&source, look);
        // Of a value in quotes and a comment close behind it nobody knows what was meant.
        if made.is_empty() && lines[number].behind.contains('#') {
            prop_assert_eq!(found, typed);
            return Ok(());
        }
        prop_assert_eq!(made.len(), 1);
        let meant = right.iter().enumerate().map(|(at, line)| {
            if at == number { mended_line(&lines[at], kind) } else { line.clone() }
        });
        prop_assert_eq!(&found, &meant.collect::<Vec<_>>().join(end));
        let source = Source::new("news.yaml", found.as_str());
        prop_assert!(read(&source).is_ok());
        let again = mended(&source, look);
        prop_assert_eq!((again.text, again.made.len()), (found, 0));
    }

    #[test]
    fn many_slips_at_once_leave_what_was_there(
        lines in lines(),
        slips in prop::collection::vec((0..6_usize, any::<Index>()), 16),
    ) {
        let right: Vec<String> = lines.iter().map(Line::right).collect();
        let wrong = lines.iter().zip(&right).zip(slips).map(|((line, right), (kind, at))| {
            planted(line, kind, at).unwrap_or_else(|| right.clone())
        });
        let typed = wrong.collect::<Vec<_>>().join("\n");
        let source = Source::new("news.yaml", typed.as_str());
        let before = read(&source).err().map_or(0, |found| found.len());
        let Mended { text: found, made } = mended(&source, look);
        let source = Source::new("news.yaml", found.as_str());
        let again = mended(&source, look);
        prop_assert_eq!((again.text.as_str(), again.made.len()), (found.as_str(), 0));
        prop_assert!(before == 0 || !made.is_empty() || read(&source).is_err());
        // Each mend stands where it says.
        for made in made {
            let line = found.split('\n').nth(made.line - 1).unwrap();
            prop_assert!(line.contains(made.after.trim_end()), "{made:?} in {line}");
        }
    }
}
