//! What a plain scalar means: the core schema of YAML 1.2 and nothing beyond it. `yes`, `no`, `on`,
//! `off` and dates are text.

use super::node::Content;

/// The core schema calls it a number, but neither an `i64` nor a finite `f64` can hold it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfRange;

pub(super) fn resolve(plain: &str) -> Result<Content, OutOfRange> {
    match plain {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Content::Null),
        "true" | "True" | "TRUE" => return Ok(Content::Boolean(true)),
        "false" | "False" | "FALSE" => return Ok(Content::Boolean(false)),
        _ => {}
    }
    if let Some(digits) = plain.strip_prefix("0x") {
        return radix(plain, digits, 16);
    }
    if let Some(digits) = plain.strip_prefix("0o") {
        return radix(plain, digits, 8);
    }
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    if is_infinite(unsigned) || matches!(plain, ".nan" | ".NaN" | ".NAN") {
        return Err(OutOfRange);
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return plain.parse().map(Content::Integer).map_err(|_| OutOfRange);
    }
    if !is_float(unsigned) {
        return Ok(Content::Text(plain.to_owned()));
    }
    match plain.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Content::Float(float)),
        _ => Err(OutOfRange),
    }
}

fn radix(plain: &str, digits: &str, radix: u32) -> Result<Content, OutOfRange> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Ok(Content::Text(plain.to_owned()));
    }
    i64::from_str_radix(digits, radix)
        .map(Content::Integer)
        .map_err(|_| OutOfRange)
}

fn is_infinite(unsigned: &str) -> bool {
    matches!(unsigned, ".inf" | ".Inf" | ".INF")
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_mantissa =
        digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let has_exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    has_mantissa && has_exponent
}
