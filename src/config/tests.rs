use std::collections::BTreeMap;

use super::Config;
use super::callers;
use super::partial::Partial;
use super::partial::SETTINGS;
use crate::identity::token::Token;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn every_problem_is_told_at_once() {
    let partial = Partial {
        system: Some("no system".to_owned()),
        listen: Some("0.0.0.0:80".to_owned()),
        ..Partial::default()
    };
    let problems = partial.complete().unwrap_err().0;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[1].contains("loopback"), "{problems:?}");
}

#[test]
fn flags_win_over_the_environment_and_it_over_the_file() {
    let file: Partial =
        toml::from_str("system = \"a.example\"\nmembers_max = 5\nlisten = \"[::1]:0\"").unwrap();
    let variables = environment(&[
        ("COMITY_SYSTEM", "b.example"),
        ("COMITY_MEMBERS_MAX", "6"),
        ("PATH", "x"),
    ]);
    let flags = Partial {
        system: Some("c.example".to_owned()),
        ..Partial::default()
    };
    let config = flags
        .or(Partial::from_environment(&variables).unwrap())
        .or(file)
        .complete()
        .unwrap();
    assert_eq!(
        (config.system.as_str(), config.http.wire.members),
        ("c.example", 6)
    );
    assert!(config.listen.ip().is_ipv6());
}

#[test]
fn every_setting_can_come_from_a_variable() {
    let pairs = SETTINGS.map(|setting| {
        let value = match setting {
            "log_format" => "json",
            "require_idempotency_key" => "true",
            _ => "7",
        };
        (
            format!("COMITY_{}", setting.to_ascii_uppercase()),
            value.to_owned(),
        )
    });
    let partial = Partial::from_environment(&pairs.into()).unwrap();
    assert_eq!(partial.clone().or(Partial::default()), partial);
    assert!(!format!("{partial:?}").contains("None"), "{partial:?}");
}

#[test]
fn variables_that_a_cluster_sets_are_passed_over() {
    let cluster = [
        ("COMITY_SERVICE_HOST", "10.0.0.7"),
        ("COMITY_SERVICE_PORT", "8470"),
        ("COMITY_SERVICE_PORT_HTTP", "8470"),
        ("COMITY_PORT", "tcp://10.0.0.7:8470"),
        ("COMITY_PORT_8470_TCP_ADDR", "10.0.0.7"),
        ("COMITY_PORT_8470_TCP_PROTO", "tcp"),
    ];
    assert_eq!(
        Partial::from_environment(&environment(&cluster)),
        Ok(Partial::default())
    );
}

#[test]
fn misspelt_settings_are_not_passed_over() {
    assert!(Partial::from_environment(&environment(&[("COMITY_SYSTM", "x")])).is_err());
    assert!(Partial::from_environment(&environment(&[("COMITY_MEMBERS_MAX", "many")])).is_err());
    let wrong = "# ours\nlisten = \"x\"\nsytem = \"x\"\nunheard_of = 1\n";
    let problems = Partial::from_text(wrong).unwrap_err().0;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(
        problems[0],
        "line 3: `sytem` is unknown; did you mean `system`?"
    );
    assert!(problems[1].starts_with("line 4: `unheard_of` is unknown; there are `system`, "));
}

fn complete(text: &str) -> Result<Config, Vec<String>> {
    let text = format!("system = \"a.example\"\n{text}");
    let partial = Partial::from_text(&text).unwrap();
    partial.complete().map_err(|problems| problems.0)
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for wrong in [
        "nesting_max = 0",
        "nesting_max = 101",
        "connections_max = 0",
        "head_seconds_max = 0",
        "idle_seconds_max = 3601",
        "dry_runs_per_minute_max = 0",
        "decide_again_grace_seconds = 86401",
        "queue_commands_max = 0",
        "watch_quiet_milliseconds = 5",
        "watch_poll_milliseconds = 60001",
        "body_bytes_max = 10",
        "members_max = 0",
    ] {
        let problems = complete(wrong).unwrap_err();
        let name = wrong.split(' ').next().unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(name), "{problems:?}");
    }
    let body_outlives_answer = "body_seconds_max = 9\nanswer_seconds_max = 9";
    assert!(complete(body_outlives_answer).unwrap_err()[0].contains("answer_seconds_max"));
    assert!(complete("body_seconds_max = 8\nanswer_seconds_max = 9").is_ok());
}

fn entry(name: &str, token: u8) -> String {
    let hash = format!("{:?}", Token::from_random([token; 32]).hash());
    format!("[[caller]]\nname = \"{name}\"\nroles = []\ntoken_sha256 = \"{hash}\"\n")
}

#[test]
fn every_caller_has_a_name_and_a_token_of_their_own() {
    let good = format!("{}\n{}", entry("acms-1", 1), entry("acms-2", 2));
    let names = callers::from_text(&good).unwrap().callers;
    assert_eq!(names.len(), 2);
    let refused = |text: &str| callers::from_text(text).unwrap_err().0;
    let same_name = refused(&format!("{}\n{}", entry("acms", 1), entry("acms", 2)));
    assert_eq!(same_name.len(), 1, "{same_name:?}");
    assert!(
        same_name[0].starts_with("line 6: the name `acms` is taken in line 1"),
        "{same_name:?}"
    );
    let same_token = refused(&format!("{}\n{}", entry("a", 1), entry("b", 1)));
    assert!(
        same_token[0].starts_with("line 6: the token of `b` is that of `a`"),
        "{same_token:?}"
    );
    for reserved in ["local-operator", "comity"] {
        assert!(refused(&entry(reserved, 1))[0].contains("belongs to the service itself"));
    }
    assert!(refused(&entry("", 1))[0].contains("a caller has a name"));
    let misspelt = entry("acms", 1).replace("roles", "rolls");
    assert_eq!(
        refused(&misspelt),
        ["line 3: `rolls` is unknown; did you mean `roles`?"]
    );
    let misspelt = entry("acms", 1).replace("[[caller]]", "[[callers]]");
    assert_eq!(
        refused(&misspelt),
        ["line 1: `callers` is unknown; did you mean `caller`?"]
    );
    let short = entry("acms", 1).replace("token_sha256 = \"", "token_sha256 = \"zz");
    assert!(refused(&short)[0].contains("line 4"));
}

const WEBHOOK: &str = "system = \"mc.de.example\"\n[[webhooks]]\nname = \"dispatch\"\n\
    url = \"https://hooks.de.example/comity\"\ncaller = \"reviewer\"\nsecret_file = \"dispatch.secret\"\n";

#[test]
fn webhooks_come_from_the_file() {
    let config = Partial::from_text(WEBHOOK).unwrap().complete().unwrap();
    let [webhook] = config.webhooks.as_slice() else {
        panic!("{:?}", config.webhooks);
    };
    assert_eq!(webhook.url.as_str(), "https://hooks.de.example/comity");
    assert_eq!(webhook.wanted, crate::app::events::Wanted::default());
    assert_eq!(webhook.begin_after.to_string(), "0");
    assert_eq!(webhook.timeout, std::time::Duration::from_secs(10));
    let more = format!(
        "{WEBHOOK}types = [\"request.submitted\"]\npartner = \"mc.nl.example\"\n\
         allow_addresses = [\"10.1.0.0/16\"]\nbegin_after = \"42\"\ntimeout_seconds = 3\nattempts_max = 5\n"
    );
    let config = Partial::from_text(&more).unwrap().complete().unwrap();
    let webhook = config.webhooks.first().unwrap();
    assert_eq!(webhook.allow_addresses.len(), 1);
    assert_eq!(webhook.backoff.attempts_max, 5);
}

#[test]
fn every_mistake_of_a_webhook_is_told_with_its_place() {
    let misspelt = Partial::from_text(&format!("{WEBHOOK}secret_fil = \"x\"\n")).unwrap_err();
    assert_eq!(
        misspelt.0,
        ["line 7: `secret_fil` is unknown; did you mean `secret_file`?"]
    );
    let wrong = format!(
        "{WEBHOOK}types = [\"request.forgotten\"]\npartner = \"nobody at all\"\n\
         allow_addresses = [\"10.1.0.1/16\"]\nbegin_after = \"x\"\ntimeout_seconds = 0\nattempts_max = 0\n\
         [[webhooks]]\nname = \"dispatch\"\nurl = \"nowhere\"\ncaller = \"a\"\nsecret_file = \"b\"\n\
         [[webhooks]]\nname = \"../dispatch\"\nurl = \"https://a.example\"\ncaller = \"a\"\nsecret_file = \"b\"\n"
    );
    let told = Partial::from_text(&wrong)
        .unwrap()
        .complete()
        .unwrap_err()
        .0;
    for member in [
        "types",
        "partner",
        "allow_addresses",
        "begin_after",
        "timeout_seconds",
        "attempts_max",
        "url",
    ] {
        let begin = format!("webhooks `dispatch`: {member}: ");
        assert!(
            told.iter().any(|problem| problem.starts_with(&begin)),
            "{member}: {told:?}"
        );
    }
    assert!(
        told.iter()
            .any(|problem| problem.contains("two are called `dispatch`"))
    );
    assert!(
        told.iter()
            .any(|problem| problem.contains("`../dispatch` is no name"))
    );
}

const CALLBACKS: &str = "system = \"mc.de.example\"\npublic_url = \"https://pdp.mc.de.example\"\n\
    [[callbacks]]\nname = \"control-room\"\ncaller = \"acms\"\nhosts = [\"pep.example\"]\nsecret_file = \"x\"\n";

#[test]
fn every_mistake_of_callbacks_is_told_with_its_place() {
    assert!(Partial::from_text(CALLBACKS).unwrap().complete().is_ok());
    let refused = |text: &str| match Partial::from_text(text) {
        Ok(partial) => partial.complete().unwrap_err().0,
        Err(error) => error.0,
    };
    let misspelt = refused(&format!("{CALLBACKS}host = []\n"));
    assert_eq!(
        misspelt,
        ["line 8: `host` is unknown; did you mean `hosts`?"]
    );
    let table = CALLBACKS
        .split_once("[[")
        .map(|(_, table)| format!("[[{table}"))
        .unwrap();
    let twice = refused(&format!("{CALLBACKS}{table}"));
    assert_eq!(twice.len(), 2, "{twice:?}");
    assert!(twice[0].contains("two are called `control-room`"));
    assert!(twice[1].contains("another table for `acms`"));
    let nowhere = refused(&CALLBACKS.replace("public_url", "# public_url"));
    assert!(nowhere[0].contains("without `public_url`"), "{nowhere:?}");
    for (wrong, told) in [
        ("[]", "hosts: there is none"),
        ("[\"https://pep.example\"]", "is no host"),
        ("[\"*.example\"]", "is no host"),
    ] {
        let wrong = refused(&CALLBACKS.replace("[\"pep.example\"]", wrong));
        assert!(wrong[0].contains(told), "{wrong:?}");
    }
    let wrong = refused(&format!(
        "{CALLBACKS}timeout_seconds = 0\nattempts_max = 0\nallow_addresses = [\"inside\"]\n"
    ));
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}
