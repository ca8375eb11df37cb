//! What exactly was asked: the digest that joins evaluation, access request, approval and the evaluation after it.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use crate::domain::wire::canonical_json;

/// The members of the context that authorization depends on; all others are passed over.
pub const RELEVANT_CONTEXT: [&str; 1] = ["request"];

/// Subject, resource, action and context as they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuple {
    /// The subject.
    pub subject: Value,
    /// The resource.
    pub resource: Value,
    /// The action.
    pub action: Value,
    /// The context.
    pub context: Map<String, Value>,
}

impl Tuple {
    /// The digest as the profile defines it: SHA-256 over the canonical form, in base64url.
    ///
    /// Whoever has the request can compute it, so it is no secret; it is told to nobody else.
    pub fn binding_hash(&self) -> String {
        let mut subject = self.subject.clone();
        // Whoever acts for the subject may be told elsewhere.
        if let Some(Value::Object(properties)) = subject.get_mut("properties") {
            properties.shift_remove("act");
        }
        let mut context = Map::new();
        for name in RELEVANT_CONTEXT {
            if let Some(value) = self.context.get(name) {
                context.insert(name.to_owned(), value.clone());
            }
        }
        let bound = json!({
            "subject": subject,
            "resource": self.resource,
            "action": self.action,
            "context": context,
        });
        let digest = Sha256::digest(canonical_json(&bound).as_bytes());
        BASE64URL_NOPAD.encode(&digest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::Tuple;

    fn tuple() -> Tuple {
        let context = json!({ "request": { "change": "add" }, "time": "2026-04-30T20:15:00Z" });
        Tuple {
            subject: json!({ "type": "user", "id": "sip:a@mc.nl.example", "properties": { "rank": 1 } }),
            resource: json!({ "type": "group", "id": "sip:g@mc.de.example" }),
            action: json!({ "name": "group-membership-update" }),
            context: context.as_object().cloned().unwrap(),
        }
    }

    #[test]
    fn it_is_the_digest_of_the_canonical_form() {
        // The construction of the profile, put together by hand.
        let text = concat!(
            r#"{"action":{"name":"group-membership-update"},"context":{"request":{"change":"add"}},"#,
            r#""resource":{"id":"sip:g@mc.de.example","type":"group"},"#,
            r#""subject":{"id":"sip:a@mc.nl.example","properties":{"rank":1},"type":"user"}}"#
        );
        let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
        let expected = data_encoding::BASE64URL_NOPAD.encode(&digest);
        assert_eq!(tuple().binding_hash(), expected);
    }

    #[test]
    fn everything_that_counts_is_bound_and_nothing_else() {
        let bound = tuple().binding_hash();
        let mut acting = tuple();
        acting.subject["properties"]["act"] = json!({ "sub": "agent" });
        assert_eq!(acting.binding_hash(), bound);
        let mut later = tuple();
        later.context.insert("time".to_owned(), json!("later"));
        later
            .context
            .insert("approval".to_owned(), json!({ "id": "x" }));
        assert_eq!(later.binding_hash(), bound);
        let changes: [fn(&mut Tuple); 6] = [
            |it| it.subject["id"] = json!("sip:b@mc.nl.example"),
            |it| it.subject["properties"]["rank"] = json!(2),
            |it| it.resource["id"] = json!("sip:h@mc.de.example"),
            |it| it.resource["properties"] = json!({}),
            |it| it.action["name"] = json!("affiliation"),
            |it| {
                it.context
                    .insert("request".to_owned(), json!({ "change": null }));
            },
        ];
        for change in changes {
            let mut other = tuple();
            change(&mut other);
            assert_ne!(other.binding_hash(), bound);
        }
        let mut without = tuple();
        assert!(without.context.shift_remove("request") != Some(Value::Null));
        assert_ne!(without.binding_hash(), bound);
    }
}
