//! Who calls: the query of a call, and its `UserSig`.

use super::answer::{Refusal, code};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::collections::HashMap;
use std::io::Read;

/// How long an inflated `UserSig` may be, so that a small one cannot unfold into gigabytes.
const DOCUMENT_BYTES_MAX: usize = 4_096;

/// How long a query may be; a real one is under 500 bytes.
const QUERY_BYTES_MAX: usize = 8_192;

/// The app that is served, and who may call it.
#[derive(Debug)]
pub(super) struct App {
    pub(super) sdk_app_id: u64,
    pub(super) administrator: String,
    pub(super) secret_key: String,
}

/// What a `UserSig` unfolds into.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "TLS.ver")]
    version: String,
    #[serde(rename = "TLS.identifier")]
    identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    sdk_app_id: u64,
    #[serde(rename = "TLS.time")]
    time_s: i64,
    #[serde(rename = "TLS.expire")]
    expire_s: i64,
    #[serde(rename = "TLS.sig")]
    signature: String,
}

/// Checks all five query parameters; `Ok` means that the administrator of this app is calling.
pub(super) fn verify(query: &str, app: &App, now_s: i64) -> Result<(), Refusal> {
    let parameters = read_query(query)?;
    let given = |name| {
        parameters
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let missing = |name| {
        Refusal::new(
            code::QUERY_INCOMPLETE,
            format!("query parameter `{name}` is missing"),
        )
    };

    let Some(sdk_app_id) = given("sdkappid") else {
        return Err(Refusal::new(
            code::APP_MISSING,
            "query parameter `sdkappid` is missing",
        ));
    };
    if sdk_app_id != app.sdk_app_id.to_string() {
        return Err(Refusal::new(
            code::APP_INVALID,
            format!("sdkappid `{sdk_app_id}` is not served here"),
        ));
    }
    let content_type = given("contenttype").ok_or_else(|| missing("contenttype"))?;
    if content_type != "json" {
        return Err(Refusal::new(
            code::QUERY_INCOMPLETE,
            "contenttype must be `json`",
        ));
    }
    let random = given("random").unwrap_or("");
    if !is_u32(random) {
        return Err(Refusal::new(
            code::URL_MALFORMED,
            "query parameter `random` must be a 32-bit unsigned integer",
        ));
    }
    let identifier = given("identifier").ok_or_else(|| missing("identifier"))?;
    let user_sig =
        given("usersig").ok_or_else(|| Refusal::new(code::SIGNATURE_EMPTY, "usersig is empty"))?;
    verify_signature(user_sig, identifier, app, now_s)?;
    if identifier != app.administrator {
        return Err(Refusal::new(
            code::NOT_ADMINISTRATOR,
            "identifier is not an administrator of the app",
        ));
    }
    Ok(())
}

/// `u32::from_str` alone would let a leading `+` pass.
fn is_u32(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok()
}

fn read_query(query: &str) -> Result<HashMap<&str, String>, Refusal> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(Refusal::new(code::URL_MALFORMED, "the query is too long"));
    }
    let mut parameters = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(value) = percent_decoded(value) else {
            return Err(Refusal::new(
                code::URL_MALFORMED,
                format!("query parameter `{name}` is badly encoded"),
            ));
        };
        if parameters.insert(name, value).is_some() {
            return Err(Refusal::new(
                code::URL_MALFORMED,
                format!("query parameter `{name}` is given twice"),
            ));
        }
    }
    Ok(parameters)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        decoded.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(decoded).ok()
}

fn verify_signature(
    user_sig: &str,
    identifier: &str,
    app: &App,
    now_s: i64,
) -> Result<(), Refusal> {
    let illegal = || {
        Refusal::new(
            code::SIGNATURE_ILLEGAL,
            "usersig is illegal: truncated or badly encoded",
        )
    };
    let document = unfold(user_sig)
        .filter(|document| document.version == "2.0")
        .ok_or_else(illegal)?;
    if document.identifier != identifier {
        return Err(Refusal::new(
            code::IDENTIFIER_NOT_SIGNED,
            "identifier differs from the signed one",
        ));
    }
    if document.sdk_app_id != app.sdk_app_id {
        return Err(Refusal::new(
            code::APP_NOT_SIGNED,
            "sdkappid differs from the signed one",
        ));
    }
    let signature = STANDARD
        .decode(&document.signature)
        .map_err(|_| illegal())?;
    let expected = keyed_digest(&app.secret_key, &document);
    // Takes the same time wherever the first difference is.
    if expected.verify_slice(&signature).is_err() {
        return Err(Refusal::new(
            code::SIGNATURE_WRONG,
            "usersig was made with another key",
        ));
    }
    if now_s > document.time_s.saturating_add(document.expire_s) {
        return Err(Refusal::new(code::SIGNATURE_EXPIRED, "usersig has expired"));
    }
    Ok(())
}

/// Undoes the wrapping: the vendor's alphabet, base64, zlib (stored blocks too), JSON.
fn unfold(user_sig: &str) -> Option<Document> {
    let standard: Option<String> = user_sig.chars().map(standard_letter).collect();
    let packed = STANDARD.decode(standard?).ok()?;
    let mut document = Vec::new();
    let limit = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    ZlibDecoder::new(packed.as_slice())
        .take(limit + 1)
        .read_to_end(&mut document)
        .ok()?;
    if document.len() > DOCUMENT_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&document).ok()
}

/// `*-_` stand for `+/=`, which themselves must not appear.
fn standard_letter(letter: char) -> Option<char> {
    match letter {
        '*' => Some('+'),
        '-' => Some('/'),
        '_' => Some('='),
        letter => letter.is_ascii_alphanumeric().then_some(letter),
    }
}

fn keyed_digest(secret_key: &str, document: &Document) -> Hmac<Sha256> {
    let text = format!(
        "TLS.identifier:{}\nTLS.sdkappid:{}\nTLS.time:{}\nTLS.expire:{}\n",
        document.identifier, document.sdk_app_id, document.time_s, document.expire_s
    );
    let mut digest =
        Hmac::<Sha256>::new_from_slice(secret_key.as_bytes()).expect("a key may have any length");
    digest.update(text.as_bytes());
    digest
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{self, ADMINISTRATOR, KEY, SDK_APP_ID, packed};
    use super::*;

    const TIME_S: i64 = 1_700_000_000;
    const SIGNATURE: &str = "yLAe+w7WUeUuqbV9h/TX78u21oTGi+i9Zp1u3PpnY60=";

    fn document(identifier: &str, sdk_app_id: u64, times: (i64, i64), signature: &str) -> String {
        format!(
            r#"{{"TLS.ver":"2.0","TLS.identifier":"{identifier}","TLS.sdkappid":{sdk_app_id},"TLS.expire":{},"TLS.time":{},"TLS.sig":"{signature}"}}"#,
            times.1, times.0
        )
    }

    fn published() -> String {
        document(ADMINISTRATOR, SDK_APP_ID, (TIME_S, 86_400), SIGNATURE)
    }

    fn code_of(query: &str, now_s: i64) -> u32 {
        verify(query, &fixtures::app(), now_s).map_or_else(|refusal| refusal.code, |()| 0)
    }

    fn query(identifier: &str, user_sig: &str) -> String {
        format!(
            "sdkappid={SDK_APP_ID}&identifier={identifier}&usersig={user_sig}&random=4294967295&contenttype=json"
        )
    }

    #[test]
    fn the_published_vectors_verify() {
        let vectors = [
            (
                "xiaojun",
                SDK_APP_ID,
                KEY,
                (1_600_000_000, 15_552_000),
                "1Z5PngDjGaufeSiPoBuxdHY7EK3JTdAjMP93S4KvV3M=",
            ),
            (ADMINISTRATOR, SDK_APP_ID, KEY, (TIME_S, 86_400), SIGNATURE),
            (
                "3",
                1,
                "2",
                (1, 4),
                "C4ka2NkJpeays2/jxbyw+rLHnK/BIRlcYUrIgA+oZwY=",
            ),
        ];
        for (identifier, sdk_app_id, key, times, signature) in vectors {
            let app = App {
                sdk_app_id,
                administrator: identifier.to_owned(),
                secret_key: key.to_owned(),
            };
            for compression in [0, 6, 9] {
                let user_sig = packed(
                    &document(identifier, sdk_app_id, times, signature),
                    compression,
                );
                let last_s = times.0 + times.1;
                assert_eq!(
                    verify_signature(&user_sig, identifier, &app, last_s),
                    Ok(())
                );
                let late = verify_signature(&user_sig, identifier, &app, last_s + 1);
                assert_eq!(late.unwrap_err().code, 70001);
            }
        }
    }

    #[test]
    fn each_parameter_has_its_code() {
        let good = query(ADMINISTRATOR, &packed(&published(), 6));
        assert_eq!(code_of(&good, TIME_S), 0);
        let changed = |from: &str, to: &str| code_of(&good.replace(from, to), TIME_S);
        assert_eq!(changed("sdkappid=1400000000&", ""), 60012);
        assert_eq!(
            changed("sdkappid=1400000000&", "sdkappid=1400000001&"),
            60006
        );
        assert_eq!(changed("sdkappid", "SdkAppId"), 60012);
        assert_eq!(changed("random=4294967295&", ""), 60002);
        for random in ["4294967296", "-1", "+1", "1.0", "x"] {
            assert_eq!(
                changed("random=4294967295", &format!("random={random}")),
                60002
            );
        }
        assert_eq!(changed("&contenttype=json", ""), 60025);
        assert_eq!(changed("contenttype=json", "contenttype=JSON"), 60025);
        assert_eq!(changed("identifier=administrator&", ""), 60025);
        assert_eq!(
            changed("identifier=administrator", "identifier=somebody"),
            70013
        );
        assert_eq!(changed("identifier=administrator", "identifier=%zz"), 60002);
        assert_eq!(changed("random=", "random=1&random="), 60002);
        assert_eq!(changed("*", "%2A"), 0);
        assert_eq!(code_of(&query(ADMINISTRATOR, ""), TIME_S), 70002);
    }

    #[test]
    fn each_flaw_of_a_signature_has_its_code() {
        let with = |text: &str| code_of(&query(ADMINISTRATOR, &packed(text, 6)), TIME_S);
        assert_eq!(
            with(&published().replace(SIGNATURE, "1Z5PngDjGaufeSiPoBuxdHY7EK3JTdAjMP93S4KvV3M=")),
            70009
        );
        assert_eq!(with(&published().replace("86400", "86401")), 70009);
        assert_eq!(
            with(&published().replace("1400000000", "1400000001")),
            70014
        );
        assert_eq!(with(&published().replace("2.0", "1.0")), 70003);
        assert_eq!(
            with(&published().replace('{', r#"{"TLS.userbuf":"YQ==","#)),
            70003
        );
        let user_sig = packed(&published(), 6);
        assert_eq!(
            code_of(
                &query(ADMINISTRATOR, &user_sig[..user_sig.len() - 8]),
                TIME_S
            ),
            70003
        );
        assert_eq!(
            code_of(&query(ADMINISTRATOR, &user_sig.replace('_', "=")), TIME_S),
            70003
        );
        let other = fixtures::user_sig("somebody", TIME_S);
        assert_eq!(code_of(&query("somebody", &other), TIME_S), 60010);
    }

    #[test]
    fn a_bomb_does_not_unfold() {
        let bomb = packed(&" ".repeat(1 << 20), 9);
        assert!(bomb.len() < DOCUMENT_BYTES_MAX);
        assert_eq!(code_of(&query(ADMINISTRATOR, &bomb), TIME_S), 70003);
        let spaces = DOCUMENT_BYTES_MAX - published().len();
        let padded = |more: usize| packed(&(published() + &" ".repeat(spaces + more)), 9);
        assert!(unfold(&padded(0)).is_some() && unfold(&padded(1)).is_none());
    }
}
