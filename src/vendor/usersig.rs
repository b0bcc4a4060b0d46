//! `UserSig` version 2, signed locally. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::io::Write;

/// Who signs, with what. The key is the console's secret as it stands there, not decoded.
#[derive(Clone)]
pub struct Signer {
    pub sdk_app_id: u64,
    pub identifier: String,
    pub secret_key: String,
}

impl Signer {
    /// A signature that holds for `expire_s` seconds from `now_s`, ready to stand in a query.
    pub fn sign(&self, now_s: i64, expire_s: u32) -> String {
        let document = json!({
            "TLS.ver": "2.0",
            "TLS.identifier": self.identifier,
            "TLS.sdkappid": self.sdk_app_id,
            "TLS.expire": expire_s,
            "TLS.time": now_s,
            "TLS.sig": self.tls_sig(now_s, expire_s),
        });
        STANDARD
            .encode(deflate(document.to_string().as_bytes()))
            .replace('+', "*")
            .replace('/', "-")
            .replace('=', "_")
    }

    fn tls_sig(&self, now_s: i64, expire_s: u32) -> String {
        let text = format!(
            "TLS.identifier:{}\nTLS.sdkappid:{}\nTLS.time:{now_s}\nTLS.expire:{expire_s}\n",
            self.identifier, self.sdk_app_id,
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret_key.as_bytes())
            .expect("this digest takes keys of any length");
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// A secret never shows, whoever prints it.
impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Signer({}, {})",
            self.sdk_app_id, self.identifier
        )
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing to memory cannot fail")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::ZlibDecoder;
    use std::io::Read;

    fn signer(sdk_app_id: u64, secret_key: &str, identifier: &str) -> Signer {
        Signer {
            sdk_app_id,
            identifier: identifier.to_owned(),
            secret_key: secret_key.to_owned(),
        }
    }

    /// The key of the vendor's public demo.
    const DEMO_KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

    #[test]
    fn signatures_equal_the_published_vectors() {
        let demo = |identifier| signer(1_400_000_000, DEMO_KEY, identifier);
        let sig = demo("xiaojun").tls_sig(1_600_000_000, 15_552_000);
        assert_eq!(sig, "1Z5PngDjGaufeSiPoBuxdHY7EK3JTdAjMP93S4KvV3M=");
        let sig = demo("administrator").tls_sig(1_700_000_000, 86_400);
        assert_eq!(sig, "yLAe+w7WUeUuqbV9h/TX78u21oTGi+i9Zp1u3PpnY60=");
        let sig = signer(1, "2", "3").tls_sig(1, 4);
        assert_eq!(sig, "C4ka2NkJpeays2/jxbyw+rLHnK/BIRlcYUrIgA+oZwY=");
    }

    #[test]
    fn a_user_sig_unpacks_to_its_document() {
        let user_sig = signer(1, "2", "3").sign(1, 4);
        assert!(
            user_sig
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"*-_".contains(&byte)),
            "{user_sig}"
        );
        let packed = user_sig
            .replace('*', "+")
            .replace('-', "/")
            .replace('_', "=");
        let mut text = String::new();
        ZlibDecoder::new(STANDARD.decode(packed).unwrap().as_slice())
            .read_to_string(&mut text)
            .unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            document["TLS.sig"],
            "C4ka2NkJpeays2/jxbyw+rLHnK/BIRlcYUrIgA+oZwY="
        );
        assert_eq!(document["TLS.ver"], "2.0");
        assert_eq!(document["TLS.expire"], 4);
    }

    #[test]
    fn a_secret_does_not_show() {
        assert!(!format!("{:?}", signer(1, "hush", "3")).contains("hush"));
    }
}
