//! `comity serve` as a process that its surroundings tell to stop.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::process::Command;
use std::process::Stdio;

use super::cli::text;
use super::support::DE;

#[test]
fn a_hang_up_stops_gracefully_and_logs_have_no_colours_in_a_pipe() {
    for signal in ["-HUP", "-TERM"] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
            .args(["serve", "--system", DE, "--listen", "127.0.0.1:0"])
            .args(["--data-dir", text(&data)])
            .args([
                "--policies",
                "policies",
                "--access-policies",
                "policies/access",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines.next().unwrap().unwrap();
        assert!(listening.starts_with("listening on"), "{listening}");
        let told = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        let mut log = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert!(child.wait().unwrap().success(), "{log}");
        assert!(log.contains("requests under way end first"), "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
    }
}

#[test]
fn a_data_directory_of_no_known_version_is_refused_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let meta = r#"{ "format_version": 0, "origin": "00000000-0000-4000-8000-000000000001" }"#;
    std::fs::write(directory.path().join("meta.json"), meta).unwrap();
    std::fs::write(directory.path().join("system"), DE).unwrap();
    std::fs::create_dir(directory.path().join("leaf")).unwrap();
    let refused = super::cli::comity(&["replay", "--data-dir", text(directory.path())]);
    assert_ne!(refused.code, 0);
    assert!(
        refused.err.contains("has format version 0"),
        "{}",
        refused.err
    );
    assert!(
        refused
            .err
            .contains("the oldest that this program reads is 1"),
        "{}",
        refused.err
    );
}
