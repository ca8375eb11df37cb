//! The program itself, run as another process.

#![cfg(test)]

use std::env;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::home::Home;
use super::home::german_registry;

const NOBODY: u32 = 65_534;
const LISTENING: &str = "listening on ";

/// A running `comity serve`; killed with this value.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Service {
    /// Starts the service; when this returns, it answers.
    pub(crate) fn start(home: &Home) -> Self {
        let log = home.path().join("service.log");
        let mut child = serve(home)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix(LISTENING)?.to_owned()));
        let Some(url) = url else {
            let status = child.wait().unwrap();
            let log = fs::read_to_string(log).unwrap();
            panic!("the service did not start ({status}): {log}");
        };
        let token = fs::read_to_string(home.data().join("operator.token")).unwrap();
        Self {
            child,
            url,
            token: token.trim().to_owned(),
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the service and kills it before it answers.
    pub(crate) fn start_and_kill(home: &Home, after: Duration) {
        let mut child = serve(home)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the service to stop, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
        self.child.wait().unwrap()
    }

    /// Imports the example registry.
    pub(crate) fn import(&self, home: &Home) {
        let output = comity()
            .args(["registry", "import"])
            .arg(german_registry())
            .args(["--url", &self.url, "--token-file"])
            .arg(home.data().join("operator.token"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", errors(&output));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs `comity serve` on a home that it should refuse.
pub(crate) fn refused_service(home: &Home) -> Output {
    serve(home).output().unwrap()
}

/// Runs `comity serve` on a home in which it may write nothing, also where the tests run as root.
pub(crate) fn refused_service_of_nobody(home: &Home) -> Output {
    // Whoever owns this process is who runs the tests.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = serve(home);
    if is_root {
        let program = home.path().join("comity");
        fs::copy(env!("CARGO_BIN_EXE_comity"), &program).unwrap();
        let arguments: Vec<OsString> = command.get_args().map(OsStr::to_owned).collect();
        command = Command::new(program);
        command.args(arguments).env_clear().uid(NOBODY).gid(NOBODY);
    }
    command.output().unwrap()
}

/// Runs `comity replay` on a data directory.
pub(crate) fn replay(data: &Path) -> Output {
    let mut command = comity();
    command.args(["replay", "--json", "--data-dir"]).arg(data);
    command.output().unwrap()
}

/// Replays all decisions, which must come out the same; gives the report.
pub(crate) fn replay_identically(data: &Path) -> Value {
    let output = replay(data);
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = output.status.code();
    assert_eq!(code, Some(0), "{report}{}", errors(&output));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["decisions"], report["identical"], "{report}");
    report
}

/// What a program complained about.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn serve(home: &Home) -> Command {
    let mut command = comity();
    command
        .args(["serve", "--system", "mc.de.example"])
        .args(["--listen", "127.0.0.1:0", "--log-filter", "warn"])
        .arg("--data-dir")
        .arg(home.data())
        .arg("--policies")
        .arg(home.policies())
        .arg("--access-policies")
        .arg(home.policies().join("access"));
    if home.config().exists() {
        command.arg("--config").arg(home.config());
    }
    command
}

/// The program, which must not take the tests' variables for settings.
fn comity() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comity"));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("COMITY_") {
            command.env_remove(name);
        }
    }
    command
}
