//! Shapes of JSON: which members an object has, and what each may hold.

use serde_json::{Map, Value};

/// What a value may be. Types are strict: a number in quotes is a string.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    /// A string of one to so many bytes.
    Name(usize),
    /// An integer of 32 bits without a sign.
    Unsigned,
    /// Zero or more; a size in bytes may exceed 32 bits.
    Size,
    Number,
    /// 0 or 1.
    Flag,
    /// This integer and no other.
    Exactly(u64),
    OneOf(&'static [&'static str]),
    List(&'static Kind),
    Object(&'static [Field]),
    /// An object whose unknown members are let through, because the vendor adds to it often.
    OpenObject(&'static [Field]),
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
    }
}

pub(super) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
}

/// Where a value does not fit, and what would.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    path: String,
    what: String,
}

impl Misfit {
    pub(super) fn new(what: impl Into<String>) -> Misfit {
        Misfit {
            path: String::new(),
            what: what.into(),
        }
    }

    /// The same misfit, seen from the object or list around it.
    pub(super) fn within(self, step: &str) -> Misfit {
        let separator = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        Misfit {
            path: format!("{step}{separator}{}", self.path),
            what: self.what,
        }
    }

    /// The member of the outermost object.
    pub(super) fn root(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or("")
    }

    pub(super) fn describe(&self) -> String {
        format!("`{}` {}", self.path, self.what)
    }
}

/// Checks one value; the first misfit is the answer, as from the vendor.
pub(super) fn check(value: &Value, kind: &Kind) -> Result<(), Misfit> {
    match kind {
        Kind::Text => demand(value.is_string(), "must be a string"),
        Kind::Name(bytes_max) => check_name(value, *bytes_max),
        Kind::Unsigned => {
            let fits = value
                .as_u64()
                .is_some_and(|number| u32::try_from(number).is_ok());
            demand(fits, "must be a 32-bit unsigned integer")
        }
        Kind::Size => demand(value.is_u64(), "must be an unsigned integer"),
        Kind::Number => demand(value.is_number(), "must be a number"),
        Kind::Flag => demand(matches!(value.as_u64(), Some(0 | 1)), "must be 0 or 1"),
        Kind::Exactly(only) => {
            demand_with(value.as_u64() == Some(*only), || format!("must be {only}"))
        }
        Kind::OneOf(choices) => {
            let known = value.as_str().is_some_and(|text| choices.contains(&text));
            demand_with(known, || format!("must be one of {}", choices.join(", ")))
        }
        Kind::List(kind) => check_list(value, kind),
        Kind::Object(fields) => check_members(as_object(value)?, fields, true),
        Kind::OpenObject(fields) => check_members(as_object(value)?, fields, false),
    }
}

fn check_name(value: &Value, bytes_max: usize) -> Result<(), Misfit> {
    let fits = value
        .as_str()
        .is_some_and(|text| (1..=bytes_max).contains(&text.len()));
    demand_with(fits, || {
        format!("must be a string of 1 to {bytes_max} bytes")
    })
}

fn check_list(value: &Value, kind: &Kind) -> Result<(), Misfit> {
    let Some(items) = value.as_array() else {
        return Err(Misfit::new("must be an array"));
    };
    for (index, item) in items.iter().enumerate() {
        check(item, kind).map_err(|misfit| misfit.within(&format!("[{index}]")))?;
    }
    Ok(())
}

fn as_object(value: &Value) -> Result<&Map<String, Value>, Misfit> {
    value
        .as_object()
        .ok_or_else(|| Misfit::new("must be an object"))
}

pub(super) fn check_members(
    object: &Map<String, Value>,
    fields: &[Field],
    closed: bool,
) -> Result<(), Misfit> {
    for field in fields {
        match object.get(field.name) {
            Some(value) => check(value, &field.kind).map_err(|misfit| misfit.within(field.name))?,
            None if field.required => return Err(Misfit::new("is missing").within(field.name)),
            None => {}
        }
    }
    let unknown = object
        .keys()
        .find(|name| closed && fields.iter().all(|field| field.name != *name));
    unknown.map_or(Ok(()), |name| {
        Err(Misfit::new("is not a known member").within(name))
    })
}

fn demand(fits: bool, what: &str) -> Result<(), Misfit> {
    demand_with(fits, || what.to_owned())
}

fn demand_with(fits: bool, what: impl FnOnce() -> String) -> Result<(), Misfit> {
    if fits {
        Ok(())
    } else {
        Err(Misfit::new(what()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PART: &[Field] = &[
        required("Name", Kind::Name(3)),
        optional("Seq", Kind::Unsigned),
    ];
    const WHOLE: &[Field] = &[
        optional("Parts", Kind::List(&Kind::Object(PART))),
        optional("Flag", Kind::Flag),
    ];

    #[test]
    fn a_misfit_names_its_place() {
        let said =
            |value: Value| check(&value, &Kind::Object(WHOLE)).map_err(|misfit| misfit.describe());
        assert_eq!(
            said(json!({ "Parts": [{ "Name": "abc", "Seq": 4_294_967_295_u32 }], "Flag": 1 })),
            Ok(())
        );
        let refused = |value, sentence: &str| assert_eq!(said(value), Err(sentence.to_owned()));
        refused(json!({ "Parts": [{}] }), "`Parts[0].Name` is missing");
        refused(
            json!({ "Parts": [{ "Name": "" }] }),
            "`Parts[0].Name` must be a string of 1 to 3 bytes",
        );
        let seq = "`Parts[0].Seq` must be a 32-bit unsigned integer";
        refused(json!({ "Parts": [{ "Name": "a", "Seq": "1" }] }), seq);
        refused(
            json!({ "Parts": [{ "Name": "a", "Seq": 4_294_967_296_u64 }] }),
            seq,
        );
        refused(json!({ "Parts": [{ "Name": "a", "Seq": 1.0 }] }), seq);
        refused(json!({ "Parts": ["a"] }), "`Parts[0]` must be an object");
        refused(json!({ "Flag": true }), "`Flag` must be 0 or 1");
        refused(json!({ "flag": 1 }), "`flag` is not a known member");
    }
}
