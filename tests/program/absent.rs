//! `log --group`: why a group got nothing that no delivery was planned for.

use super::place::Place;

const SEND: &str = "send: { group_message: { text: \"Hello {{ group.city }}\" } }\n";

fn place(audience: &str) -> Place {
    let place = Place::new();
    place.write("audiences/all.csv", "group,city\ng1,A\ng2,B\ng3,A\ng4,A\n");
    place.write("audiences/some.csv", "group\ng1\ng2\ng3\n");
    place.write("campaigns/news.yaml", &format!("{audience}{SEND}"));
    place
}

fn log(place: &Place, group: &str) -> String {
    let ended = place.run(&["log", "news", "--sandbox", "--group", group]);
    assert_eq!(ended.code, 1, "{ended:?}");
    ended.err
}

#[test]
fn the_log_tells_by_what_a_group_was_left_out() {
    let place = place(
        "audience:\n  group_files: [audiences/all.csv]\n  only: { group_files: [audiences/some.csv] }\n  \
         exclude: { groups: [g3] }\n  where: \"group.city == 'A'\"\n",
    );
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(0, &["1 accepted"]);
    for (group, why) in [
        ("g2", "`where` does not hold for it"),
        ("g3", "`exclude` names it"),
        ("g4", "it is not among those of `only`"),
        ("g5", "its audience does not name it"),
    ] {
        let told = log(&place, group);
        let why = format!(": {why} (its audience had 1 group)");
        assert!(told.contains(&why), "{group}: {told}");
    }
    // What was changed since says less, and no more than it knows.
    place.write(
        "campaigns/news.yaml",
        &format!("audience: {{ groups: [g1, g2] }}\n{SEND}").replace("{{ group.city }}", "all"),
    );
    let told = log(&place, "g2");
    assert!(
        told.contains(
            "as the campaign and its lists are by now, it would get it; they were others then"
        ),
        "{told}"
    );
    for text in [Some("send: [\n"), None] {
        match text {
            Some(text) => drop(place.write("campaigns/news.yaml", text)),
            None => std::fs::remove_file(place.path().join("campaigns/news.yaml")).unwrap(),
        }
        let told = log(&place, "g2");
        assert!(told.contains("; its audience had 1 group\n"), "{told}");
    }
}

#[test]
fn a_broadcast_goes_to_no_group() {
    let place = Place::new();
    place.write(
        "campaigns/news.yaml",
        "send: { broadcast: { text: \"Hello\" } }\n",
    );
    place
        .run(&["run", "news", "--sandbox", "--yes", "--force"])
        .assert(0, &["1 accepted"]);
    let told = log(&place, "g1");
    assert!(told.contains("every live room at once"), "{told}");
}
