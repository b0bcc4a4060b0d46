//! The grammar helpers.

use super::super::words::surely;
use super::*;

#[test]
fn counts_agree_with_their_noun() {
    assert_eq!(plural(1, "group"), "1 group");
    assert_eq!(plural(0, "group"), "0 groups");
    assert_eq!(plural(3_000, "delivery"), "3,000 deliveries");
    assert_eq!(plural(2, "day"), "2 days");
    assert_eq!(plural(2, "match"), "2 matches");
    assert_eq!(thousands(1_234_567), "1,234,567");
    assert_eq!(thousands(999), "999");
}

#[test]
fn lists_read_as_prose() {
    assert_eq!(list_of::<&str>(&[]), "");
    assert_eq!(list_of(&["a"]), "`a`");
    assert_eq!(list_of(&["a", "b"]), "`a` and `b`");
    assert_eq!(list_of(&["a", "b", "c"]), "`a`, `b` and `c`");
}

#[test]
fn guesses_are_near() {
    let keys = ["name", "schedule", "audience", "group_files", "at"];
    assert_eq!(nearest("nmae", keys), Some("name"));
    assert_eq!(nearest("schedul", keys), Some("schedule"));
    assert_eq!(nearest("group-files", keys), Some("group_files"));
    assert_eq!(nearest("Name", keys), Some("name"));
    assert_eq!(nearest("bt", keys), Some("at"));
    assert_eq!(nearest("zz", keys), None);
    assert_eq!(nearest("retries", keys), None);
    assert_eq!(nearest("", keys), None);
}

#[test]
fn what_is_typed_in_somebodys_place_was_meant_for_certain() {
    let keys = [
        "name",
        "schedule",
        "audience",
        "groups",
        "group_files",
        "members",
        "member_files",
    ];
    assert_eq!(surely("nmae", &keys), Some("name"));
    assert_eq!(surely("Group-Files", &keys), Some("group_files"));
    assert_eq!(surely("shcedlue", &keys), Some("schedule"));
    // Two letters of a short word, three of a long one, or as near to another.
    assert_eq!(surely("nmea", &keys), None);
    assert_eq!(surely("shcedleu_", &keys), None);
    assert_eq!(surely("cat", &["bat", "rat"]), None);
    assert_eq!(surely("", &keys), None);
}
