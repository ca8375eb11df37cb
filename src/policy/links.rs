//! `links.json`: the template links of a bundle, since a policy file has no syntax for them.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::str::FromStr;

use cedar_policy::EntityUid;
use cedar_policy::PolicyId;
use cedar_policy::SlotId;
use serde::Deserialize;

use crate::policy::annotation::checked_name;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Place;
use crate::policy::diagnostics::SourceText;

/// A template, the name of the linked policy and what stands in the slots.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) template: PolicyId,
    pub(super) id: PolicyId,
    pub(super) values: HashMap<SlotId, EntityUid>,
    pub(super) place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLink {
    template_id: String,
    link_id: String,
    values: BTreeMap<String, String>,
}

/// Reads the file; links that cannot be read are left out and reported.
pub(super) fn parse(file: &SourceText, problems: &mut Vec<Diagnostic>) -> Vec<Link> {
    let raw: Vec<RawLink> = match serde_json::from_str(file.text()) {
        Ok(raw) => raw,
        Err(error) => {
            let place = file.place_at(error.line(), error.column());
            problems.push(Diagnostic::error(Code::Link, error.to_string()).at(place));
            return Vec::new();
        }
    };
    let mut links = Vec::new();
    for raw in raw {
        let place = file.find(&format!("\"{}\"", raw.link_id));
        match link(raw, place.clone()) {
            Ok(link) => links.push(link),
            Err(message) => problems.push(Diagnostic::error(Code::Link, message).at(place)),
        }
    }
    links
}

fn link(raw: RawLink, place: Place) -> Result<Link, String> {
    checked_name(&raw.link_id).map_err(|error| error.to_string())?;
    let values = raw
        .values
        .into_iter()
        .map(|(slot, uid)| {
            let slot = match slot.as_str() {
                "?principal" => SlotId::principal(),
                "?resource" => SlotId::resource(),
                _ => return Err(format!("`{slot}` is neither `?principal` nor `?resource`")),
            };
            let uid = EntityUid::from_str(&uid)
                .map_err(|error| format!("`{uid}` names no entity: {error}"))?;
            Ok((slot, uid))
        })
        .collect::<Result<_, _>>()?;
    Ok(Link {
        template: PolicyId::new(raw.template_id),
        id: PolicyId::new(raw.link_id),
        values,
        place,
    })
}
