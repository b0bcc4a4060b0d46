//! A preview as one page that needs nothing from anywhere: a likeness of each chat.

use super::card::Card;
use super::likeness::{Element, Push, plain};
use super::outline::{Outline, Totals};
use super::sample::{Sample, case_text};
use super::shown::{harmless, on_one_line};
use super::text::{about, members_text, origin, plan_facts, size_text, title};

const STYLE: &str = include_str!("page.css");

/// Should anything slip through, the browser fetches nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page.
pub fn html(outline: &Outline, samples: &[Sample], totals: &Totals) -> String {
    let name = escaped(&outline.campaign);
    let description = outline.description.as_deref().map(escaped);
    let chats: String = samples.iter().map(|sample| chat(outline, sample)).collect();
    let warnings = totals.warnings.iter();
    let warnings: String = warnings
        .map(|warning| tag("div", "warning", &warning.message))
        .collect();
    let known = [origin(outline), plan_facts(outline, totals)].concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>Preview of {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{name}</h1>\n<p dir=\"auto\">{}</p>\n{warnings}<section class=\"sheet\">\n{}</section>\n\
         <h2>What people read</h2>\n<section class=\"chats\">\n{chats}</section>\n</main>\n</body>\n</html>",
        description.unwrap_or_default(),
        list(&known),
    )
}

/// One message as its readers see it, and below it what they do not.
fn chat(outline: &Outline, sample: &Sample) -> String {
    let mut under = Vec::new();
    if !sample.members.is_empty() {
        under.push(format!("to {}", members_text(&sample.members)));
    }
    if sample.is_longest {
        under.push("the longest".to_owned());
    }
    let under: String = under.iter().map(|line| tag("span", "", line)).collect();
    let head = format!("<header>{}{under}</header>\n", escaped(&title(sample)));
    if let Some(reason) = &sample.skip {
        let reason = tag("div", "said", &format!("skipped: {reason}"));
        return format!("<article>\n{head}<div class=\"chat\">{reason}</div>\n</article>\n");
    }
    let likeness = &sample.likeness;
    let sender = likeness.sender.as_ref().unwrap_or(&outline.administrator);
    let mut seen = tag("div", "from", sender);
    seen.extend(likeness.elements.iter().map(element));
    seen.extend(likeness.push.as_ref().map(push));
    let mut unseen: Vec<(&str, String)> = about(likeness);
    let cases: Vec<String> = sample.cases.iter().map(case_text).collect();
    if !cases.is_empty() {
        unseen.insert(0, ("chosen for", cases.join(", ")));
    }
    unseen.push(("size", size_text(sample)));
    let variables = sample.variables.iter();
    let variables: Vec<(&str, String)> = variables
        .map(|(name, value)| (name.as_str(), plain(value)))
        .collect();
    let variables = if variables.is_empty() {
        String::new()
    } else {
        let values = list(&variables);
        format!("<details open><summary>variables</summary>\n{values}</details>\n")
    };
    format!(
        "<article>\n{head}<div class=\"chat\">\n{seen}</div>\n{variables}\
         <details open><summary>about it</summary>\n{}</details>\n</article>\n",
        list(&unseen)
    )
}

fn element(element: &Element) -> String {
    match element {
        Element::Text(text) => {
            let text = text.strip_suffix('\n').unwrap_or(text);
            format!(
                "<div class=\"bubble\" dir=\"auto\">{}</div>\n",
                escaped(text)
            )
        }
        Element::Face(index) => tag("div", "bubble", &format!("[face {index}]")),
        Element::Card(card) => self::card(card),
    }
}

fn card(card: &Card) -> String {
    let kind = if card.is_image { "card image" } else { "card" };
    let lines: String = card.lines.iter().map(|line| code(line)).collect();
    let link = card.link.as_deref().map(link).unwrap_or_default();
    let (name, title) = (escaped(&card.kind), escaped(&card.title));
    format!(
        "<div class=\"{kind}\"><b>{name}</b><div dir=\"auto\">{title}</div>{lines}{link}</div>\n"
    )
}

/// Only what a browser opens as a page is a link, and it tells nobody where it was found.
fn link(url: &str) -> String {
    let shown = escaped(url);
    if url.starts_with("https://") || url.starts_with("http://") {
        format!("<a href=\"{shown}\" rel=\"noreferrer noopener\" target=\"_blank\">{shown}</a>")
    } else {
        code(url)
    }
}

fn code(text: &str) -> String {
    format!("<code dir=\"auto\">{}</code>", escaped(text))
}

fn push(push: &Push) -> String {
    if push.is_off {
        return tag("div", "said", "no push");
    }
    let title = push.title.as_deref().map(escaped).unwrap_or_default();
    let text = push.text.as_deref().map(escaped).unwrap_or_default();
    format!(
        "<div class=\"card push\"><b>push</b><strong dir=\"auto\">{title}</strong><div dir=\"auto\">{text}</div></div>\n"
    )
}

fn list(facts: &[(&str, String)]) -> String {
    let rows = facts.iter().map(|(name, value)| {
        let (name, value) = (escaped(name), escaped(&on_one_line(value)));
        format!("<dt>{name}</dt><dd dir=\"auto\">{value}</dd>\n")
    });
    format!("<dl>\n{}</dl>\n", rows.collect::<String>())
}

fn tag(name: &str, class: &str, text: &str) -> String {
    format!("<{name} class=\"{class}\">{}</{name}>\n", escaped(text))
}

/// Text, in a page or in quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for each in harmless(&text.replace("\r\n", "\n")).chars() {
        match each {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_and_only_pages_are_links() {
        assert_eq!(
            escaped("<a href='\"'>&"),
            "&lt;a href=&#39;&quot;&#39;&gt;&amp;"
        );
        assert_eq!(
            link("javascript:alert(1)"),
            "<code dir=\"auto\">javascript:alert(1)</code>"
        );
        assert!(link("https://e.com/\"x").starts_with("<a href=\"https://e.com/&quot;x\" rel="));
    }
}
