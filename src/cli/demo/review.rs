//! The chapters about people who answer: how many have to agree, and what becomes of what nobody answers in time.

use reqwest::Method;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::Surprise;
use super::party::Answer;
use super::party::Ask;
use super::party::Party;
use super::story::GLANCE;
use super::story::GROUP;
use super::story::PATIENCE;
use super::story::await_policies;
use super::story::insist;
use super::story::membership_update;
use super::story::nl_certificate;
use super::story::policies;
use super::story::text;
use super::story::write;
use super::telling;

const OFFICER: &str = "sip:officer.171@mc.nl.example";
const DUTY_OFFICER: &str = "sip:dispatch.1@mc.de.example";
const SECURITY_OFFICER: &str = "sip:dispatch.2@mc.de.example";
const POLICY_FILE: &str = "review/two-groups.cedar";

/// A forbid that holds whom anybody adds to the group, for so long.
fn holding_policy(expires: &str) -> String {
    format!(
        "// While the accident is being investigated, two people let others in.\n\
         // An order of the day; the story ends with it.\n\
         @id(\"membership.investigation\")\n\
         @category(\"review.group-membership\")\n\
         @response(\"manual-review\")\n\
         @approvals(\"duty-officer:1, security-officer:1\")\n\
         @expires(\"{expires}\")\n\
         @reason(\"Two authorised users decide.\")\n\
         forbid (principal, action == MCX::Action::\"addGroupMember\", resource == MCX::Group::\"{GROUP}\")\n\
         when {{ context.direction == \"inbound\" }};\n"
    )
}

/// A duty officer and a security officer have to agree.
pub(super) async fn two_groups(de: &Party) -> Result<(), Surprise> {
    telling::chapter("5. A duty officer and a security officer have to agree");
    publish(de, &holding_policy("PT1H")).await?;
    telling::narrate("saved: @approvals(\"duty-officer:1, security-officer:1\")");
    let path = held(de, "demo-5", "nl-2026-000921").await?;
    let first = approve(de, &path, DUTY_OFFICER).await?;
    de.expect(&first, 200)?;
    insist(&first.body, "/status", "pending")?;
    telling::narrate("The duty officer approves: 1 of 2, it waits on.");
    let again = approve(de, &path, DUTY_OFFICER).await?;
    de.expect(&again, 409)?;
    telling::narrate("The same person once more: 409, nobody counts twice.");
    let second = approve(de, &path, SECURITY_OFFICER).await?;
    de.expect(&second, 200)?;
    telling::decision("DE, approved by both", &second.body);
    insist(&second.body, "/status", "accepted")
}

/// Nobody answers in time.
pub(super) async fn expired(de: &Party) -> Result<(), Surprise> {
    telling::chapter("6. Nobody answers in time");
    publish(de, &holding_policy("PT1S")).await?;
    let path = held(de, "demo-6", "nl-2026-000922").await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let seen = de.call(Ask::new(Method::GET, &path, "reviewer")).await?;
        de.expect(&seen, 200)?;
        if text(&seen.body, "/items/0/state")? == "expired" {
            telling::decision("DE, a second later", &seen.body);
            break;
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(Surprise("a held item did not expire".to_owned()));
        }
        tokio::time::sleep(GLANCE).await;
    }
    too_late(de, &path).await?;
    publish(de, &holding_policy("PT1H")).await
}

/// Submits what a person has to answer; where it can be read.
pub(super) async fn held(de: &Party, key: &str, correlation_id: &str) -> Result<String, Surprise> {
    let certificate = nl_certificate(de).await?;
    let request = membership_update("inbound", OFFICER, correlation_id, &certificate);
    let held = de.submit(key, &request).await?;
    telling::decision("DE, inbound", &held);
    insist(&held, "/status", "pending")?;
    Ok(format!("/v1/requests/{}", text(&held, "/id")?))
}

/// An approval of what waits no longer is refused.
pub(super) async fn too_late(de: &Party, path: &str) -> Result<(), Surprise> {
    let late = approve(de, path, DUTY_OFFICER).await?;
    if late.status != StatusCode::CONFLICT {
        return Err(Surprise(format!(
            "a late approval was answered {}: {}",
            late.status, late.body
        )));
    }
    let state = text(&late.body, "/current/states/0")?;
    telling::narrate(&format!(
        "The duty officer approves too late: 409, the item is {state}."
    ));
    Ok(())
}

async fn approve(de: &Party, path: &str, reviewer: &str) -> Result<Answer, Surprise> {
    let approval =
        json!({ "answer": "approve", "reason": "is needed at the scene", "reviewer": reviewer });
    let responses = format!("{path}/responses");
    let ask = Ask::new(Method::POST, &responses, "reviewer").body(&approval);
    de.call(ask).await
}

async fn publish(de: &Party, policy: &str) -> Result<(), Surprise> {
    let before = policies(de).await?;
    write(&de.policy_file(POLICY_FILE), policy)?;
    let digest = |answer: &Value| answer.pointer("/in_force/digest").cloned();
    await_policies(de, "the new bundle", |now| digest(now) != digest(&before)).await?;
    Ok(())
}
