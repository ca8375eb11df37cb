//! The story itself (TR 22.881, "Changing group membership in a Partner MCX Service System").

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::Arguments;
use super::Surprise;
use super::exchange::Exchange;
use super::party::Ask;
use super::party::Party;
use super::review;
use super::telling;
use crate::domain::identity::McSystemId;

const NL: &str = "mc.nl.example";
const DE: &str = "mc.de.example";
pub(super) const GROUP: &str = "sip:unfall-07@mc.de.example";
const OFFICER: &str = "sip:officer.114@mc.nl.example";
const SECOND_OFFICER: &str = "sip:officer.115@mc.nl.example";
pub(super) const THIRD_OFFICER: &str = "sip:officer.160@mc.nl.example";
const VISITING_OFFICER: &str = "@category(\"group-membership.visiting-officer\")";
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const GLANCE: Duration = Duration::from_millis(50);

/// Tells the whole story.
pub(super) async fn tell(arguments: &Arguments) -> Result<(), Surprise> {
    let directory = tempfile::Builder::new()
        .prefix("comity-demo-")
        .tempdir()
        .map_err(|error| Surprise::from_error("cannot make a directory", &error))?;
    telling::chapter("Two MC systems, each with its own Comity");
    let mut nl = Party::start("NL", &system(NL)?, &arguments.from, directory.path()).await?;
    let mut de = Party::start("DE", &system(DE)?, &arguments.from, directory.path()).await?;

    membership(&nl, &de).await?;
    affiliation(&nl, &de).await?;
    automatic(&de).await?;
    broken(&de).await?;
    review::two_groups(&de).await?;
    review::expired(&de).await?;
    suspended(&de).await?;
    replayed(&mut nl, &mut de).await?;

    if arguments.keep {
        keep(&mut nl, &mut de).await?;
    } else if !arguments.once {
        telling::chapter("Look further");
        telling::narrate("cargo run --release -- demo --keep    leaves both services running");
        telling::narrate("cargo run --release -- check policies  checks the shipped bundle");
        telling::narrate("README.md and docs/ say how to run it for real");
    }
    Ok(())
}

fn system(id: &str) -> Result<McSystemId, Surprise> {
    id.parse()
        .map_err(|error| Surprise::from_error("a system of the story", &error))
}

async fn membership(nl: &Party, de: &Party) -> Result<(), Surprise> {
    telling::chapter(
        "1. A Dutch officer at an accident in Germany is to join the German talk group",
    );
    telling::narrate("The control room asks its own ACM server: may we ask Germany?");
    let cleared = nl
        .submit(
            "demo-1",
            &membership_update("outbound", OFFICER, "nl-2026-000917", ""),
        )
        .await?;
    telling::decision("NL, outbound", &cleared);
    insist(&cleared, "/status", "cleared")?;
    let exchange = Exchange::of(nl, &cleared)?;
    exchange.sent().await?;

    telling::narrate("The request reaches the German ACM server, which attests who sent it.");
    let held = de
        .submit(
            "demo-1",
            &membership_update(
                "inbound",
                OFFICER,
                "nl-2026-000917",
                &nl_certificate(de).await?,
            ),
        )
        .await?;
    telling::decision("DE, inbound", &held);
    insist(&held, "/status", "pending")?;
    exchange.held(&held).await?;

    telling::narrate("A German dispatcher looks at it and approves.");
    let path = format!("/v1/requests/{}", text(&held, "/id")?);
    let seen = de.call(Ask::new(Method::GET, &path, "reviewer")).await?;
    de.expect(&seen, 200)?;
    let version = seen.etag.clone().unwrap_or_default();
    let approval = json!({ "answer": "approve", "reason": "speaks German, is at the scene", "reviewer": "sip:dispatch.1@mc.de.example" });
    let answered = de
        .call(
            Ask::new(Method::POST, &format!("{path}/responses"), "reviewer")
                .body(&approval)
                .header("If-Match", &version),
        )
        .await?;
    de.expect(&answered, 200)?;
    telling::decision("DE, approved", &answered.body);
    insist(&answered.body, "/status", "accepted")?;
    telling::narrate("The German answer reaches the Dutch ACM server, which reports it.");
    exchange.answered(DE, &answered.body).await?;

    telling::narrate("Obligation: the German group management server updates the group.");
    add_member(de, OFFICER).await
}

async fn affiliation(nl: &Party, de: &Party) -> Result<(), Surprise> {
    telling::chapter(
        "2. The officer, served by NL throughout, affiliates; both systems authorise (R-6.17.2-004)",
    );
    let asked = nl
        .submit("demo-2", &affiliation_request("outbound", ""))
        .await?;
    telling::decision("NL, outbound", &asked);
    insist(&asked, "/status", "accepted")?;
    let agreed = de
        .submit(
            "demo-2",
            &affiliation_request("inbound", &nl_certificate(de).await?),
        )
        .await?;
    telling::decision("DE, inbound", &agreed);
    insist(&agreed, "/status", "accepted")
}

async fn automatic(de: &Party) -> Result<(), Surprise> {
    telling::chapter("3. A security officer changes one policy file; no restart");
    let before = policies(de).await?;
    let (file, policy) = visiting_officer_policy(de)?;
    let (before_policy, rest) = policy.split_once(VISITING_OFFICER).unwrap_or((&policy, ""));
    // What is granted at once waits for nobody: nobody is reminded of it.
    let answering = rest.replacen(
        "@response(\"manual-review\")\n@remind(\"PT30M\")\n@escalate(\"PT1H: shift-leader\")\n",
        "@response(\"automatic\")\n",
        1,
    );
    let changed = format!("{before_policy}{VISITING_OFFICER}{answering}");
    write(&file, &changed)?;
    telling::narrate(
        "visiting officers: @response(\"manual-review\") becomes @response(\"automatic\")",
    );
    let after = await_policies(de, "the new bundle", |now| {
        now.pointer("/in_force/digest") != before.pointer("/in_force/digest")
    })
    .await?;
    telling::narrate(&format!(
        "DE: bundle generation {} in force",
        after
            .pointer("/in_force/generation")
            .unwrap_or(&Value::Null)
    ));
    let granted = de
        .submit(
            "demo-3",
            &membership_update(
                "inbound",
                SECOND_OFFICER,
                "nl-2026-000918",
                &nl_certificate(de).await?,
            ),
        )
        .await?;
    telling::decision("DE, inbound", &granted);
    insist(&granted, "/status", "accepted")
}

async fn broken(de: &Party) -> Result<(), Surprise> {
    telling::chapter("4. A broken policy is saved; the last good bundle stays in force");
    let before = policies(de).await?;
    let (file, good) = visiting_officer_policy(de)?;
    let typo = good.replacen("context.", "context.not_an_attribute_", 1);
    write(
        &file,
        &if typo == good {
            format!("{good}\npermit (principal")
        } else {
            typo
        },
    )?;
    let after = await_policies(de, "the refusal", |now| {
        now.pointer("/last_attempt/outcome").and_then(Value::as_str) == Some("refused")
    })
    .await?;
    let found = after.pointer("/last_attempt/diagnostics");
    let found = found.and_then(Value::as_array).into_iter().flatten();
    let mut errors = found.filter(|it| it.get("severity") == Some(&json!("error")));
    let message = errors.next().and_then(|error| error.get("message"));
    telling::narrate(&format!(
        "DE: refused: {}",
        message.and_then(Value::as_str).unwrap_or("?")
    ));
    if after.pointer("/in_force") != before.pointer("/in_force") {
        return Err(Surprise("a broken bundle came into force".to_owned()));
    }
    let granted = de
        .submit(
            "demo-4",
            &membership_update(
                "inbound",
                THIRD_OFFICER,
                "nl-2026-000919",
                &nl_certificate(de).await?,
            ),
        )
        .await?;
    telling::decision("DE, inbound", &granted);
    insist(&granted, "/status", "accepted")?;
    write(&file, &good)
}

async fn suspended(de: &Party) -> Result<(), Surprise> {
    telling::chapter(
        "7. Germany suspends the agreement; what waits is refused, and so is the next request",
    );
    let certificate = nl_certificate(de).await?;
    let waiting = review::held(de, "demo-7", "nl-2026-000923").await?;
    let path = format!("/v1/agreements/{NL}");
    let agreement = de.call(Ask::new(Method::GET, &path, "operator")).await?;
    de.expect(&agreement, 200)?;
    let mut document = agreement.body;
    if let Some(members) = document.as_object_mut() {
        members.insert("status".to_owned(), json!("suspended"));
    }
    let etag = agreement.etag.unwrap_or_default();
    let put = de
        .call(
            Ask::new(Method::PUT, &path, "operator")
                .body(&document)
                .header("If-Match", &etag),
        )
        .await?;
    de.expect(&put, 200)?;
    review::too_late(de, &waiting).await?;
    let refused = de
        .submit(
            "demo-8",
            &membership_update("inbound", SECOND_OFFICER, "nl-2026-000920", &certificate),
        )
        .await?;
    telling::decision("DE, inbound", &refused);
    insist(&refused, "/status", "rejected")
}

async fn replayed(nl: &mut Party, de: &mut Party) -> Result<(), Surprise> {
    telling::chapter("8. Every decision is made again from the log, each under its own bundle");
    for party in [nl, de] {
        party.stop().await?;
        let report = crate::cli::replay::replay_directory(party.data_directory(), |_, _| {})
            .map_err(|error| Surprise(format!("{} cannot be replayed: {error}", party.name)))?;
        telling::narrate(&format!(
            "{}: {} entries, {} decisions, {} identical, {} mismatches",
            party.name, report.entries, report.decisions, report.identical, report.mismatches
        ));
        if report.mismatches > 0 || report.identical == 0 || report.identical != report.decisions {
            return Err(Surprise(format!("{}: replay is not identical", party.name)));
        }
    }
    Ok(())
}

async fn keep(nl: &mut Party, de: &mut Party) -> Result<(), Surprise> {
    telling::chapter("Both services run until you press Ctrl-C");
    for party in [&mut *nl, &mut *de] {
        party.resume().await?;
        telling::narrate(&format!(
            "{}: {}  operator token {}",
            party.name,
            party.url(),
            party.token("operator")
        ));
        telling::narrate(&format!(
            "    policies: {}",
            party.policy_file("").display()
        ));
    }
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| Surprise::from_error("cannot wait for Ctrl-C", &error))?;
    nl.stop().await?;
    de.stop().await
}

pub(super) fn membership_update(
    direction: &str,
    member: &str,
    correlation_id: &str,
    certificate: &str,
) -> Value {
    let mut request = json!({
        "operation": "group-membership-update",
        "direction": direction,
        "correlation_id": correlation_id,
        "requesting_system": NL,
        "receiving_system": DE,
        "requester": { "mc_service_id": "sip:control.3@mc.nl.example" },
        "target": { "functional_alias": "sip:leitstelle@mc.de.example" },
        "group": GROUP,
        "members": [member],
        "change": "add",
        "urgency": "high",
        "justification": "German-speaking officer at the scene"
    });
    attest(&mut request, direction, certificate);
    request
}

fn affiliation_request(direction: &str, certificate: &str) -> Value {
    let mut request = json!({
        "operation": "affiliation",
        "direction": direction,
        "correlation_id": "nl-2026-000917-affiliation",
        "requesting_system": NL,
        "receiving_system": DE,
        "user": OFFICER,
        "group": GROUP,
        "service": "mcptt",
        "serving_system": NL
    });
    attest(&mut request, direction, certificate);
    request
}

fn attest(request: &mut Value, direction: &str, certificate: &str) {
    if let (true, Some(members)) = (direction != "outbound", request.as_object_mut()) {
        members.insert(
            "peer".to_owned(),
            json!({ "system": NL, "certificate": certificate }),
        );
    }
}

/// The certificate by which the agreement in DE knows NL.
pub(super) async fn nl_certificate(de: &Party) -> Result<String, Surprise> {
    let agreement = de
        .call(Ask::new(
            Method::GET,
            &format!("/v1/agreements/{NL}"),
            "operator",
        ))
        .await?;
    de.expect(&agreement, 200)?;
    text(&agreement.body, "/certificates/0")
}

async fn add_member(de: &Party, member: &str) -> Result<(), Surprise> {
    let path = format!("/v1/groups/{GROUP}");
    let group = de.call(Ask::new(Method::GET, &path, "operator")).await?;
    de.expect(&group, 200)?;
    let mut document = group.body;
    let partner = document
        .get_mut("partners")
        .and_then(Value::as_array_mut)
        .and_then(|partners| {
            partners
                .iter_mut()
                .find(|partner| partner.get("system") == Some(&json!(NL)))
        })
        .and_then(Value::as_object_mut)
        .ok_or_else(|| Surprise(format!("{GROUP} lists no members from {NL}")))?;
    let members = partner.entry("members").or_insert_with(|| json!([]));
    if let Some(members) = members.as_array_mut() {
        members.push(json!(member));
    }
    let etag = group.etag.unwrap_or_default();
    let put = de
        .call(
            Ask::new(Method::PUT, &path, "operator")
                .body(&document)
                .header("If-Match", &etag),
        )
        .await?;
    de.expect(&put, 200)
}

pub(super) async fn policies(de: &Party) -> Result<Value, Surprise> {
    let answer = de
        .call(Ask::new(Method::GET, "/v1/policies", "operator"))
        .await?;
    de.expect(&answer, 200)?;
    Ok(answer.body)
}

pub(super) async fn await_policies(
    de: &Party,
    what: &str,
    reached: impl Fn(&Value) -> bool,
) -> Result<Value, Surprise> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let now = policies(de).await?;
        if reached(&now) {
            return Ok(now);
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(Surprise(format!(
                "{what} did not come into view within {} s",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

fn visiting_officer_policy(de: &Party) -> Result<(std::path::PathBuf, String), Surprise> {
    let folder = de.policy_file("review");
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| Surprise::from_error("cannot read the policies", &error))?;
    for entry in entries.flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        if text.contains(VISITING_OFFICER) {
            return Ok((entry.path(), text));
        }
    }
    Err(Surprise(format!(
        "no policy in `{}` has {VISITING_OFFICER}",
        folder.display()
    )))
}

pub(super) fn write(file: &std::path::Path, text: &str) -> Result<(), Surprise> {
    std::fs::write(file, text)
        .map_err(|error| Surprise::from_error("cannot save the policy", &error))
}

pub(super) fn text(value: &Value, pointer: &str) -> Result<String, Surprise> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Surprise(format!("an answer has no `{pointer}`: {value}")))
}

pub(super) fn insist(value: &Value, pointer: &str, expected: &str) -> Result<(), Surprise> {
    let found = text(value, pointer)?;
    if found == expected {
        Ok(())
    } else {
        Err(Surprise(format!(
            "expected `{expected}`, found `{found}`: {value}"
        )))
    }
}
