//! What the documentation lists is what there is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use clap::CommandFactory;
use comity::cli::CommandLine;
use comity::config::partial::Partial;
use comity::config::partial::SETTINGS;
use comity::http::problem::kind::ProblemKind;
use comity::http::problem::kind::TYPE_PREFIX;
use comity::telemetry::metrics::BundleKind;
use comity::telemetry::metrics::DecisionLabels;
use comity::telemetry::metrics::HttpLabels;
use comity::telemetry::metrics::Metrics;

/// The cells of every row of the tables of a page.
fn rows(page: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(page).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| {
            line.split(" | ")
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_kind_of_problem_is_on_its_page_and_no_other() {
    let documented: BTreeSet<Vec<String>> = rows("docs/problems.md")
        .into_iter()
        .filter(|row| row.len() == 4 && row[0].parse::<u16>().is_ok())
        .collect();
    let known: BTreeSet<Vec<String>> = ProblemKind::ALL
        .iter()
        .map(|kind| {
            let uri = kind.type_uri();
            let name = uri.strip_prefix(TYPE_PREFIX).unwrap_or(&uri);
            let name = format!("`{name}`");
            let status = kind.status().as_u16().to_string();
            vec![
                status,
                name,
                kind.title().to_owned(),
                kind.remedy().to_owned(),
            ]
        })
        .collect();
    assert_eq!(documented, known);
    let names: BTreeSet<&str> = ProblemKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ProblemKind::ALL.len());
}

#[test]
fn every_setting_is_documented_with_what_holds_unless_it_is_set() {
    let command = CommandLine::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags: BTreeSet<&str> = serve
        .get_arguments()
        .filter_map(|it| it.get_long())
        .collect();
    let quoted = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
    let mut documented = Vec::new();
    let mut defaults = BTreeMap::new();
    for row in rows("docs/running.md")
        .iter()
        .filter(|row| row[1].contains("COMITY_"))
    {
        let name = quoted(&row[0]).unwrap();
        let variable = format!("COMITY_{}", name.to_ascii_uppercase());
        assert_eq!(row[1], format!("`{variable}`"));
        let flag = name.replace('_', "-");
        let shown = if flags.contains(flag.as_str()) {
            format!("`--{flag}`")
        } else {
            "none".to_owned()
        };
        assert_eq!(row[2], shown, "{name}");
        if let Some(value) = quoted(&row[3]).filter(|value| !value.contains('`')) {
            defaults.insert(variable, value);
        }
        documented.push(name);
    }
    assert_eq!(documented, SETTINGS);
    // With everything set to what holds unless it is set, nothing is different.
    assert!(defaults.len() >= SETTINGS.len() - 8, "{defaults:?}");
    let system = || Partial {
        system: Some("mc.de.example".to_owned()),
        ..Partial::default()
    };
    let written = system().or(Partial::from_environment(&defaults).unwrap());
    assert_eq!(written.complete(), system().complete());
}

/// The tables of the configuration file, as they are shown.
#[test]
fn the_table_of_callbacks_in_the_document_is_one() {
    let text = fs::read_to_string("docs/running.md").unwrap();
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| *line == "[[callbacks]]").unwrap();
    let table: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let names = table.iter().filter_map(|line| line.split_once(" = "));
    let names: Vec<&str> = names.map(|(name, _)| name).collect();
    assert_eq!(names, comity::config::callbacks::MEMBERS);
    let written = format!(
        "system = \"mc.de.example\"\npublic_url = \"https://pdp.mc.de.example\"\n[[callbacks]]\n{}\n",
        table.join("\n")
    );
    let read = Partial::from_text(&written).unwrap().complete().unwrap();
    let [callback] = read.callbacks.as_slice() else {
        panic!("{:?}", read.callbacks);
    };
    let hosts: Vec<String> = callback.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["10.1.2.3:8443", "control-room.nl.example"]);
    // What is left out is what the document says.
    let needed = ["name", "caller", "hosts", "secret_file"];
    let needed = |line: &&str| {
        needed
            .iter()
            .any(|name| line.starts_with(&format!("{name} = ")))
    };
    let least: Vec<&str> = table.iter().copied().filter(needed).collect();
    let (head, _) = written.split_once("name = ").unwrap();
    let least = Partial::from_text(&format!("{head}{}", least.join("\n"))).unwrap();
    let least = &least.complete().unwrap().callbacks[0];
    assert_eq!(
        (least.timeout, least.backoff),
        (callback.timeout, callback.backoff)
    );
    assert!(least.allow_addresses.is_empty());
}

/// Metrics of which each has counted something: what has not is not written.
fn exported() -> String {
    let metrics = Metrics::new();
    metrics.decided(&DecisionLabels {
        operation: "affiliation",
        direction: "inbound",
        outcome: "accept",
    });
    let labels = HttpLabels {
        method: "GET".to_owned(),
        route: "/livez".to_owned(),
        status: 200,
    };
    metrics.answered(&labels, 0.1);
    metrics.publication_attempted(BundleKind::Access, 1, false);
    metrics.shadow_decided(1);
    metrics.shadowed("accept", "review", 1);
    metrics.encode()
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let text = exported();
    let names: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => (format!("`{name}_total`"), kind.to_owned()),
            _ => (format!("`{name}`"), kind.to_owned()),
        })
        .collect();
    let documented: BTreeSet<(String, String)> = rows("docs/running.md")
        .into_iter()
        .filter(|row| row[0].starts_with("`comity_"))
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    assert_eq!(documented, names);
    for row in rows("docs/running.md") {
        let Some(name) = row[0].strip_prefix("`comity_") else {
            continue;
        };
        let sample = format!("comity_{}", name.trim_end_matches('`'));
        for label in row[2].split(", ").filter(|label| *label != "none") {
            let shown = format!("{}=\"", label.trim_matches('`'));
            let is_sample = |line: &&str| line.starts_with(&sample) && line.contains(&shown);
            assert!(
                text.lines().any(|line| is_sample(&line)),
                "{sample} {label}"
            );
        }
    }
}

#[test]
fn every_clause_of_authzen_names_code_and_tests_that_are_there() {
    let mut tests = 0;
    for row in rows("docs/authzen.md") {
        let [_, _, place, held] = row.as_slice() else {
            continue;
        };
        if !place.contains(".rs`") && !place.contains("/`") {
            continue;
        }
        for path in place.split('`').filter(|it| it.contains('/')) {
            let path = format!("src/{path}");
            assert!(fs::exists(&path).unwrap(), "{path}");
        }
        for named in held.split('`').filter(|it| it.contains("::")) {
            let (module, name) = named.split_once("::").unwrap();
            let file = format!("tests/it/arap/{module}.rs");
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(&format!("fn {name}(")), "{named}");
            tests += 1;
        }
    }
    assert!(tests > 50, "{tests}");
}
