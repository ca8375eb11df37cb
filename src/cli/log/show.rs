//! `comity log show`: one record of a running service, held against its own hashes.

use std::fmt::Write as _;

use clap::Args;
use data_encoding::BASE64;
use serde::Deserialize;

use super::Failure;
use super::calling::failure;
use super::calling::understood;
use crate::cli::client::Client;
use crate::cli::client::Connection;
use crate::cli::output;
use crate::cli::plain::plain;
use crate::decision::record::Outline;
use crate::decision_log::Commitment;
use crate::decision_log::Leaf;
use crate::decision_log::Part;
use crate::decision_log::PartClass;
use crate::decision_log::Payload;
use crate::decision_log::StoredPart;

/// Which record, and how it is told.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The place of the record, as the answer to a decision names it
    #[arg(value_name = "INDEX")]
    index: u64,
    /// The service's own answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Deserialize)]
struct Record {
    index: u64,
    leaf: String,
    leaf_hash: String,
    parts: Vec<TextPart>,
    proof: Option<String>,
}

#[derive(Debug, Deserialize)]
struct TextPart {
    subject: Option<String>,
    commitment: Commitment,
    #[serde(default)]
    erased: bool,
    salt: Option<String>,
    body: Option<String>,
    body_base64: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = Client::connect(&arguments.connection).map_err(|error| failure(&error))?;
    let path = format!("/v1/records/{}", arguments.index);
    let body = client.block_on(client.get(&path));
    let body = body.map_err(|error| failure(&error))?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&body);
        let text = text.map_err(|error| Failure::Broken(error.to_string()))?;
        let _exit = output::write(format!("{text}\n").as_bytes());
    }
    let record: Record = understood(body)?;
    let (leaf, parts) = checked(&record)?;
    if !arguments.json {
        let _exit = output::write(told(&record, &leaf, &parts).as_bytes());
    }
    Ok(())
}

/// Makes the hashes of a record anew.
fn checked(record: &Record) -> Result<(Leaf, Vec<StoredPart>), Failure> {
    let unlike = |what: &str| Failure::No(format!("record {}: {what}", record.index));
    let leaf = Leaf::parse(record.leaf.as_bytes());
    let leaf = leaf.map_err(|error| unlike(&error.to_string()))?;
    if leaf.hash().to_string() != record.leaf_hash {
        return Err(unlike("its leaf has another hash than the answer says"));
    }
    let parts = record.parts.iter().map(|part| {
        let stored = part
            .stored()
            .ok_or_else(|| unlike("a part cannot be read"))?;
        if stored.commitment() == part.commitment {
            Ok(stored)
        } else {
            Err(unlike("a part is not what its commitment was made of"))
        }
    });
    let parts: Vec<StoredPart> = parts.collect::<Result<_, Failure>>()?;
    let payload = Payload::new(parts.clone()).map_err(|error| unlike(&error.to_string()))?;
    if payload.root() != leaf.parts_root() {
        return Err(unlike("its parts are not those that its leaf commits to"));
    }
    Ok((leaf, parts))
}

impl TextPart {
    fn stored(&self) -> Option<StoredPart> {
        if self.erased {
            return Some(StoredPart::Erased(self.commitment));
        }
        let class = match &self.subject {
            None => PartClass::State,
            Some(subject) => PartClass::Personal {
                subject_key: subject.clone(),
            },
        };
        let salt = BASE64.decode(self.salt.as_ref()?.as_bytes()).ok()?;
        let body = match (&self.body, &self.body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(text)) => BASE64.decode(text.as_bytes()).ok()?,
            (None, None) | (Some(_), Some(_)) => return None,
        };
        let salt = salt.try_into().ok()?;
        Some(StoredPart::Present(Part { class, salt, body }))
    }
}

fn told(record: &Record, leaf: &Leaf, parts: &[StoredPart]) -> String {
    let mut text = format!("record {}\n", record.index);
    let mut line = |name: &str, value: &str| {
        // Writing into a text never fails.
        let _written = writeln!(text, "  {name:<10}  {value}");
    };
    line("kind", &leaf.kind().to_string());
    line("time", &format!("{:.3}", leaf.time()));
    let outcomes = leaf.outcomes();
    let (accept, reject, review) = (outcomes.accept, outcomes.reject, outcomes.review);
    let outcomes = format!("{accept} accepted, {reject} rejected, {review} held");
    line("items", &outcomes);
    line("leaf hash", &record.leaf_hash);
    line(
        "proof",
        match &record.proof {
            Some(_) => "in the published log; `comity log prove` gives the proof",
            None => "not published yet",
        },
    );
    let mut nobodys = parts
        .iter()
        .filter_map(StoredPart::present)
        .filter(|part| part.class.subject_key().is_none());
    if let Some(decision) = nobodys.find_map(|part| Outline::of_part(&part.body)) {
        line("request", &decision.request_id.to_string());
        let partner = plain(decision.partner.as_str());
        let (operation, direction) = (decision.operation.as_str(), decision.direction);
        let asked = format!("{operation}, {direction}, with {partner}");
        line("decision", &asked);
        for (number, outcome) in decision.outcomes.iter().enumerate() {
            line("", &format!("item {number}: {outcome}"));
        }
        line("because of", &plain(&decision.policies.join(", ")));
        line("categories", &plain(&decision.categories.join(", ")));
        line("bundle", &plain(&decision.bundle));
        line("caller", &plain(&decision.caller));
    }
    line("parts", "as the leaf commits to them");
    for (number, part) in parts.iter().enumerate() {
        let what = match part {
            StoredPart::Erased(_) => "erased".to_owned(),
            StoredPart::Present(part) => {
                let whose = part.class.subject_key().map(plain);
                let whose = whose.unwrap_or_else(|| "of nobody".to_owned());
                format!("{whose}, {} bytes", part.body.len())
            }
        };
        line("", &format!("{number}: {what}"));
    }
    text
}
