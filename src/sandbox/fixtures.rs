//! What several tests of this room need: an app, signed queries, bodies.

use super::call::Call;
use super::credentials::App;
use super::record::Record;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::Write;

pub(super) const SDK_APP_ID: u64 = 1_400_000_000;
pub(super) const ADMINISTRATOR: &str = "administrator";
/// The key of the vendor's public demonstration.
pub(super) const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

pub(super) fn app() -> App {
    App {
        sdk_app_id: SDK_APP_ID,
        administrator: ADMINISTRATOR.to_owned(),
        secret_key: KEY.to_owned(),
    }
}

/// A `UserSig` around any document.
pub(super) fn packed(document: &str, compression: u32) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(compression));
    encoder.write_all(document.as_bytes()).unwrap();
    STANDARD
        .encode(encoder.finish().unwrap())
        .replace('+', "*")
        .replace('/', "-")
        .replace('=', "_")
}

/// A `UserSig` of the test app, good for an hour.
pub(super) fn user_sig(identifier: &str, time_s: i64) -> String {
    let mut digest = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    digest.update(
        format!("TLS.identifier:{identifier}\nTLS.sdkappid:{SDK_APP_ID}\nTLS.time:{time_s}\nTLS.expire:3600\n")
            .as_bytes(),
    );
    let document = json!({
        "TLS.ver": "2.0", "TLS.identifier": identifier, "TLS.sdkappid": SDK_APP_ID, "TLS.time": time_s,
        "TLS.expire": 3_600, "TLS.sig": STANDARD.encode(digest.finalize().into_bytes()),
    });
    packed(&document.to_string(), 6)
}

/// A group message with one text element.
pub(super) fn group_message(group: &str, random: u32, text: &str) -> Value {
    json!({
        "GroupId": group, "Random": random,
        "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }],
    })
}

/// A stored group message.
pub(super) fn record(group: &str, random: u32, seq: u64) -> Record {
    Record {
        call: Call::GroupMessage,
        group: Some(group.to_owned()),
        members: Vec::new(),
        topic: None,
        priority: None,
        online_only: false,
        random: Some(random),
        msg_seq: Some(seq),
        msg_time: 1_700_000_000,
        from: ADMINISTRATOR.to_owned(),
        arrived_ms: 1_700_000_000_123,
        body_digest: format!("{seq:064}"),
        text: Some("hello".to_owned()),
    }
}
