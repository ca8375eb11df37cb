//! How what the partner does with a request comes back to the system that asked (ruling 8).

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::Surprise;
use super::party::Ask;
use super::party::Party;
use super::telling;

/// A request that one system put to another, as the front-end of the first follows it.
pub(super) struct Exchange<'a> {
    asking: &'a Party,
    path: String,
}

impl<'a> Exchange<'a> {
    /// Follows what was cleared.
    pub(super) fn of(asking: &'a Party, cleared: &Value) -> Result<Self, Surprise> {
        let id = member(cleared, "/id")?;
        let path = format!("/v1/requests/{id}");
        Ok(Self { asking, path })
    }

    /// The front-end sent it.
    pub(super) async fn sent(&self) -> Result<(), Surprise> {
        let sent = self.report(&json!({ "report": "sent" })).await?;
        self.stands(&sent, "sent", "sent")
    }

    /// The other side holds it.
    pub(super) async fn held(&self, theirs: &Value) -> Result<(), Surprise> {
        let mut report = json!({ "report": "partner-pending" });
        if let (Some(until), Some(members)) = (
            theirs.pointer("/items/0/expires_at"),
            report.as_object_mut(),
        ) {
            members.insert("expires_at".to_owned(), until.clone());
        }
        let held = self.report(&report).await?;
        self.stands(&held, "partner-pending", "partner-pending")
    }

    /// The other side answered, and whoever asked is told.
    pub(super) async fn answered(&self, by: &str, theirs: &Value) -> Result<(), Surprise> {
        let agreement = self
            .asking
            .call(Ask::new(
                Method::GET,
                &format!("/v1/agreements/{by}"),
                "operator",
            ))
            .await?;
        self.asking.expect(&agreement, 200)?;
        let certificate = member(&agreement.body, "/certificates/0")?;
        let items = theirs.get("items").and_then(Value::as_array);
        let items: Vec<Value> = items.into_iter().flatten().map(told).collect();
        let report = json!({
            "report": "answered",
            "correlation_id": member(theirs, "/correlation_id")?,
            "peer": { "system": by, "certificate": certificate },
            "items": items,
        });
        let answered = self.report(&report).await?;
        self.stands(&answered, "accepted", "partner-accepted")?;
        telling::partner(&answered);
        let delivered = self.report(&json!({ "report": "delivered" })).await?;
        self.stands(&delivered, "accepted", "delivered")
    }

    async fn report(&self, report: &Value) -> Result<Value, Surprise> {
        let path = format!("{}/reports", self.path);
        let answer = self
            .asking
            .call(Ask::new(Method::POST, &path, "acms").body(report))
            .await?;
        self.asking.expect(&answer, 200)?;
        Ok(answer.body)
    }

    fn stands(&self, answer: &Value, status: &str, state: &str) -> Result<(), Surprise> {
        let found = (
            member(answer, "/status")?,
            member(answer, "/items/0/state")?,
        );
        if (found.0.as_str(), found.1.as_str()) != (status, state) {
            return Err(Surprise(format!(
                "expected `{status}` with `{state}`, found `{}` with `{}`: {answer}",
                found.0, found.1
            )));
        }
        telling::narrate(&format!(
            "{}, reported → {}, the item {state}",
            self.asking.name,
            status.to_uppercase()
        ));
        Ok(())
    }
}

/// What a partner says of one of its items.
fn told(item: &Value) -> Value {
    let mut told = serde_json::Map::new();
    for name in ["subject", "service", "group", "kind", "limits"] {
        if let Some(value) = item.get(name) {
            told.insert(name.to_owned(), value.clone());
        }
    }
    let is_granted = item.get("state").and_then(Value::as_str) == Some("granted");
    let outcome = if is_granted { "accept" } else { "reject" };
    told.insert("outcome".to_owned(), json!(outcome));
    Value::Object(told)
}

fn member(value: &Value, pointer: &str) -> Result<String, Surprise> {
    super::story::text(value, pointer)
}
