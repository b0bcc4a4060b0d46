//! The stand-in as a process: its groups, its faults, and what it says.

use super::place::Place;
use super::vendor::Vendor;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Status and body of a request to the sandbox itself.
pub(crate) fn ask(vendor: &Vendor, method: &str, path: &str, body: &str) -> (u16, String) {
    let endpoint = vendor.endpoint();
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[test]
fn its_help_lists_every_fault() {
    let place = Place::new();
    let help = place.run(&["sandbox", "--help"]);
    help.assert(
        0,
        &[
            "lost_reply",
            "internal_before",
            "html_502",
            "code_N",
            "delay=0ms-20ms",
            "stall_path=1s/60s",
            "refuse=5s/30s",
            "/sandbox/faults -d refuse=5s",
            "--dedup-scope",
            "Examples:",
        ],
    );
    let short = place.run(&["sandbox", "-h"]);
    short.assert(0, &["--fault <FAULTS>", "Examples:"]);
    assert!(!short.out.contains("internal_before"), "{}", short.out);
}

#[test]
fn a_wrong_fault_is_told_before_it_starts() {
    let place = Place::new();
    let said = |faults: &str, words: &[&str]| {
        place
            .run(&["sandbox", "--listen", "127.0.0.1:0", "--fault", faults])
            .assert(64, words);
    };
    said("lost_replay=5%", &["did you mean `lost_reply`?"]);
    said(
        "earthquake=5%",
        &["unknown fault `earthquake`", "stall_path"],
    );
    said("refuse=30s/5s", &["write `refuse=5s/30s`"]);
    said("drop=60%,stall=60%", &["add up to more than 100%"]);
}

#[test]
fn all_that_is_wrong_with_a_list_of_groups_is_told() {
    let place = Place::new();
    let said = |text: &str, words: &[&str]| {
        place.write("groups.csv", text);
        let ended = place.run(&["sandbox", "--groups", "groups.csv"]);
        ended.assert(78, words);
    };
    said(
        "group,type,city\na,Publik,x\n,Public,x\nb,Public,x\nb,AVChatRoom,x\n",
        &[
            "`groups.csv` is no list of groups:",
            "line 2: there is no type of group `Publik`",
            "line 3: the group is missing",
            "line 5: `b` is AVChatRoom here and Public on line 4",
        ],
    );
    said(
        "id\na\n",
        &["line 1 has no column `group`", "begin the file with"],
    );
    said("group\n", &["there is no group in it"]);
    said("", &["it is empty"]);
    let missing = place.run(&["sandbox", "--groups", "elsewhere.csv"]);
    missing.assert(1, &["cannot read `elsewhere.csv`"]);
}

#[test]
fn only_groups_of_the_list_are_there() {
    let place = Place::new();
    let list = place.write(
        "groups.csv",
        "group,city,type\ng0,City 0,Public\ng1,City 1,work\ng2,City 2,\n",
    );
    let vendor = Vendor::start(&["--groups", list.to_str().unwrap()]);
    let place = Place::with_news(&vendor.endpoint(), 5);
    place
        .run(&["run", "news", "--yes"])
        .assert(5, &["3 accepted", "2 refused"]);
    let statistics = vendor.statistics();
    assert_eq!(statistics["refused"]["10010"], 2);
    assert_eq!(statistics["calls"]["send_group_msg"]["codes"]["0"], 3);
    assert_eq!(statistics["doubled"], 0);
}

#[test]
fn faults_are_replaced_while_it_runs() {
    let vendor = Vendor::start(&["--fault", "code_10016=100%"]);
    let faults = || ask(&vendor, "GET", "/sandbox/faults", "");
    assert_eq!(faults(), (200, "code_10016=100%\n".to_owned()));
    let (status, said) = ask(&vendor, "POST", "/sandbox/faults", "stal=1%");
    assert_eq!(
        (status, said.contains("did you mean `stall`?")),
        (400, true)
    );
    assert_eq!(faults().1, "code_10016=100%\n", "a slip changes nothing");
    let (status, said) = ask(&vendor, "POST", "/sandbox/faults", "none");
    assert_eq!((status, said.as_str()), (200, "none\n"));
    let place = Place::with_news(&vendor.endpoint(), 3);
    place
        .run(&["run", "news", "--yes"])
        .assert(0, &["3 planned = 3 accepted"]);
}

#[test]
fn a_message_is_sent_once_under_every_reading_of_its_random() {
    for reading in [
        ["--dedup-scope", "group", "--dedup-key", "content"],
        ["--dedup-scope", "app", "--dedup-key", "sender"],
        ["--dedup-answer", "new_seq", "--dedup-registers", "dropped"],
    ] {
        let faults = "lost_reply=10%,drop=3%,html_502=2%,huge=2%";
        let options = [&["--fault", faults], &reading[..]].concat();
        let vendor = Vendor::start(&options);
        let place = Place::with_news(&vendor.endpoint(), 40);
        place
            .run(&["run", "news", "--yes"])
            .assert(0, &["40 planned = 40 accepted"]);
        vendor.assert_each_once(40);
        assert_eq!(vendor.statistics()["doubled"], 0);
    }
}

#[test]
fn it_ends_with_a_table_for_people() {
    let vendor = Vendor::start(&[]);
    let statistics = vendor.statistics();
    assert_eq!(statistics["over_limit_after_first_minute"], 0);
    let ended = vendor.end();
    ended.assert(0, &["arrivals            0", "doubled             0"]);
    assert!(!ended.out.contains("faults met"), "{}", ended.out);
}
