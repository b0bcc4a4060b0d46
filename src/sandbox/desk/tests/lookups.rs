use super::*;

fn history(desk: &mut Desk, at: Moment, mut more: Value) -> Value {
    for (name, value) in [("GroupId", json!("a")), ("ReqMsgNumber", json!(20))] {
        if more.get(name).is_none() {
            more[name] = value;
        }
    }
    ask(desk, Call::History, at, &more)
}

/// The numbers of what history shows.
fn seqs(answer: &Value) -> Vec<u64> {
    let items = answer["RspMsgList"].as_array().unwrap().iter();
    items.map(|item| item["MsgSeq"].as_u64().unwrap()).collect()
}

fn with_messages(count: u32) -> Desk {
    let mut desk = desk("");
    for random in 1..=count {
        let at = after(u64::from(random) * 1_000);
        send(&mut desk, at, &group_message("a", random, "hello"));
    }
    desk
}

#[test]
fn history_shows_what_was_stored() {
    let mut desk = desk("");
    let mut body = group_message("a", 7, "hello");
    body["MsgPriority"] = json!("High");
    body["From_Account"] = json!("ann");
    send(&mut desk, NOW, &body);
    let expected = json!({
        "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "GroupId": "a", "IsFinished": 1,
        "RspMsgList": [{
            "From_Account": "ann", "IsPlaceMsg": 0, "IsSystemMsg": 0, "MsgPriority": 1, "MsgRandom": 7,
            "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "hello" } }],
            "MsgSeq": 1, "MsgTimeStamp": 1_700_000_000,
        }],
    });
    assert_eq!(history(&mut desk, NOW, json!({})), expected);
    assert_eq!(desk.statistics().lookups, 1);
}

#[test]
fn history_is_read_in_pages() {
    let mut desk = with_messages(5);
    let later = after(60_000);
    let mut page = |more| {
        let answer = history(&mut desk, later, more);
        (seqs(&answer), answer["IsFinished"].clone())
    };
    assert_eq!(page(json!({ "ReqMsgNumber": 2 })), (vec![5, 4], json!(0)));
    let older = json!({ "ReqMsgNumber": 2, "ReqMsgSeq": 3 });
    assert_eq!(page(older), (vec![3, 2], json!(0)));
    let oldest = json!({ "ReqMsgNumber": 2, "ReqMsgSeq": 1 });
    assert_eq!(page(oldest), (vec![1], json!(1)));
    assert_eq!(page(json!({ "GroupId": "silent" })), (vec![], json!(1)));
    assert_eq!(page(json!({ "TopicId": "t" })), (vec![], json!(1)));
}

#[test]
fn history_lags() {
    let mut desk = open(Manner {
        history_lag: Duration::from_secs(2),
        ..manner("")
    });
    send(&mut desk, NOW, &group_message("a", 1, "hello"));
    assert!(seqs(&history(&mut desk, after(1_999), json!({}))).is_empty());
    assert_eq!(seqs(&history(&mut desk, after(2_000), json!({}))), [1]);
}

#[test]
fn history_shows_only_what_is_kept() {
    let mut desk = desk("");
    let mut send = |random, name: &str, value: Value| {
        let mut body = group_message("a", random, "hello");
        body[name] = value;
        send(&mut desk, NOW, &body)["MsgSeq"].clone()
    };
    assert_eq!(send(1, "Random", json!(1)), 1);
    assert_eq!(send(2, "OnlineOnlyFlag", json!(1)), 0, "it has no number");
    assert_eq!(send(3, "To_Account", json!(["ann"])), 2, "it leaves a gap");
    assert_eq!(send(4, "TopicId", json!("t")), 1);
    assert_eq!(send(5, "Random", json!(5)), 3);
    let notification = json!({ "GroupId": "a", "Content": "maintenance" });
    ask(&mut desk, Call::Notification, NOW, &notification);
    assert_eq!(seqs(&history(&mut desk, NOW, json!({}))), [3, 1]);
    assert_eq!(
        seqs(&history(&mut desk, NOW, json!({ "TopicId": "t" }))),
        [1]
    );
}

#[test]
fn some_types_have_neither_history_nor_recall() {
    let mut desk = open(Manner {
        groups: groups(&["AVChatRoom", "BChatRoom", "Community"]),
        ..manner("")
    });
    let mut codes = |group: &str| {
        let history = json!({ "GroupId": group, "ReqMsgNumber": 1 });
        let recall = json!({ "GroupId": group, "MsgSeqList": [{ "MsgSeq": 1 }] });
        [
            ask(&mut desk, Call::History, NOW, &history)["ErrorCode"].clone(),
            ask(&mut desk, Call::Recall, NOW, &recall)["ErrorCode"].clone(),
        ]
    };
    assert_eq!(codes("AVChatRoom"), [10044, 10033]);
    assert_eq!(codes("BChatRoom"), [10044, 10033]);
    assert_eq!(codes("Community"), [0, 0]);
    assert_eq!(codes("elsewhere"), [10010, 10010]);
}

#[test]
fn what_is_recalled_keeps_its_place() {
    let mut desk = with_messages(3);
    let later = after(60_000);
    let body = json!({ "GroupId": "a", "MsgSeqList": [{ "MsgSeq": 2 }, { "MsgSeq": 9 }] });
    let mut codes = || {
        let answer = ask(&mut desk, Call::Recall, later, &body);
        assert_eq!(answer["ErrorCode"], 0);
        [0, 1].map(|index| answer["RecallRetList"][index]["RetCode"].clone())
    };
    assert_eq!(codes(), [0, 10030]);
    assert_eq!(codes(), [10032, 10030]);
    assert_eq!(seqs(&history(&mut desk, later, json!({}))), [3, 1]);
    let answer = history(&mut desk, later, json!({ "WithRecalledMsg": 1 }));
    assert_eq!(seqs(&answer), [3, 2, 1]);
    let place = &answer["RspMsgList"][1];
    assert_eq!(
        (&place["IsPlaceMsg"], &place["MsgBody"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(place["MsgRandom"], 2);
}

#[test]
fn a_ledger_brings_back_history_and_what_was_recalled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let start = || {
        let mut file = std::fs::OpenOptions::new();
        let file = file.read(true).append(true).create(true).open(&path);
        let manner = manner("");
        Desk::open(manner, ADMINISTRATOR.to_owned(), Some(file.unwrap()), NOW).unwrap()
    };
    let mut desk = start();
    for random in 1..=3 {
        send(&mut desk, NOW, &group_message("a", random, "hello"));
    }
    let body = json!({ "GroupId": "a", "MsgSeqList": [{ "MsgSeq": 2 }] });
    ask(&mut desk, Call::Recall, NOW, &body);
    let before = history(&mut desk, NOW, json!({ "WithRecalledMsg": 1 }));
    let mut desk = start();
    assert_eq!(
        history(&mut desk, NOW, json!({ "WithRecalledMsg": 1 })),
        before
    );
    assert_eq!(seqs(&history(&mut desk, NOW, json!({}))), [3, 1]);
    let statistics = desk.statistics();
    assert_eq!((statistics.accepted, statistics.doubled), (3, 1));
}

#[test]
fn a_group_tells_its_type_and_next_number() {
    let mut desk = open(Manner {
        groups: groups(&["Meeting"]),
        ..manner("")
    });
    send(&mut desk, NOW, &group_message("Meeting", 1, "hello"));
    let filter = json!({ "GroupBaseInfoFilter": ["Type", "NextMsgSeq"] });
    let body = json!({ "GroupIdList": ["Meeting", "gone", ""], "ResponseFilter": filter });
    let answer = ask(&mut desk, Call::GroupInfo, NOW, &body);
    let expected = json!({
        "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "",
        "GroupInfo": [
            { "GroupId": "Meeting", "ErrorCode": 0, "ErrorInfo": "", "Type": "ChatRoom", "NextMsgSeq": 2 },
            { "GroupId": "gone", "ErrorCode": 10010, "ErrorInfo": "group `gone` does not exist" },
            {
                "GroupId": "", "ErrorCode": 10015,
                "ErrorInfo": "`GroupId` must be 1 to 48 printable ASCII characters",
            },
        ],
    });
    assert_eq!(answer, expected);
    let whole = json!({ "GroupIdList": ["Meeting"] });
    let item = ask(&mut desk, Call::GroupInfo, NOW, &whole)["GroupInfo"][0].clone();
    assert_eq!(
        (&item["Name"], &item["MemberNum"]),
        (&json!("Meeting"), &json!(100))
    );
    assert_eq!(item["LastMsgTime"], 1_700_000_000);
}
