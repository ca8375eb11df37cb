//! The published log under a verifier that nobody here wrote: the Python package `aics-tlog`, installed for this test.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::sync::OnceLock;

use super::published_log::Exported;

const PACKAGE: &str = "aics-tlog==0.2.1";

/// Holds every tile and bundle against the root that the checkpoint signs.
const AUDIT: &str = r#"
import sys
from aics_tlog import FileSystemTileReader, audit_tiles, parse_note, parse_vkey, verify_checkpoint
root, key = sys.argv[1:]
note = parse_note(open(root + "/checkpoint", encoding="utf-8").read())
result = verify_checkpoint(note, parse_vkey(key))
assert result.ok, result
report = audit_tiles(FileSystemTileReader(root), result.size, result.root)
print(report.size, report.tiles, report.bundles)
"#;

/// The directory of the verifier's programs, installed once.
///
/// Its metadata asks for a newer Python than Debian 12 has; it runs with that one all the same.
fn verifier() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE);
        let programs = directory.join("bin");
        if programs.join("aics-tlog").exists() {
            return programs;
        }
        let ran = |command: &mut Command| {
            let output = command.output().unwrap_or_else(|error| {
                panic!("{command:?}: {error}; the test needs python3 with venv and a package index")
            });
            assert!(output.status.success(), "{command:?}: {output:?}");
        };
        ran(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&directory));
        let install = ["install", "--quiet", "--ignore-requires-python", PACKAGE];
        ran(Command::new(programs.join("pip")).args(install));
        programs
    })
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let program = verifier().join(program);
    Command::new(program).args(arguments).output().unwrap()
}

fn accepts(exported: &Exported) -> bool {
    let audit = run("python", &["-c", AUDIT, exported.path(), exported.key()]);
    let checked = [
        "verify-checkpoint",
        "--tiles",
        exported.path(),
        "--log-key",
        exported.key(),
    ];
    audit.status.success() && run("aics-tlog", &checked).status.success()
}

#[tokio::test]
async fn an_independent_verifier_accepts_the_log_and_its_growth() {
    let exported = Exported::new().await;
    let audit = run("python", &["-c", AUDIT, exported.path(), exported.key()]);
    assert!(audit.status.success(), "{audit:?}");
    assert!(accepts(&exported));
    let older = exported.file("older");
    fs::copy(exported.file("checkpoint"), &older).unwrap();
    exported.goes_on(300).await;
    assert!(accepts(&exported));
    let arguments = [
        "verify-consistency",
        "--old-checkpoint",
        older.to_str().unwrap(),
        "--tiles",
        exported.path(),
        "--log-key",
        exported.key(),
    ];
    let grown = run("aics-tlog", &arguments);
    assert!(grown.status.success(), "{grown:?}");
}

#[tokio::test]
async fn an_independent_verifier_finds_a_receipt_in_the_log() {
    let exported = Exported::new().await;
    let (index, leaf_hash) = exported.receipt();
    let hash = data_encoding::BASE64.decode(leaf_hash.as_bytes()).unwrap();
    let verify = |hash: &[u8]| {
        let hash = data_encoding::HEXLOWER.encode(hash);
        let arguments = [
            "verify-inclusion",
            "--index",
            &index,
            "--leaf-hash",
            &hash,
            "--tiles",
            exported.path(),
            "--log-key",
            exported.key(),
        ];
        run("aics-tlog", &arguments)
    };
    let found = verify(&hash);
    assert!(found.status.success(), "{found:?}");
    assert!(!verify(&[0; 32]).status.success());
}

#[tokio::test]
async fn an_independent_verifier_refuses_what_was_tampered_with() {
    let exported = Exported::new().await;
    let size = exported.size();
    for path in [
        "checkpoint".to_owned(),
        format!("tile/0/000.p/{size}"),
        format!("tile/entries/000.p/{size}"),
    ] {
        let file = exported.file(&path);
        let whole = fs::read(&file).unwrap();
        let mut altered = whole.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(&file, &altered).unwrap();
        assert!(!accepts(&exported), "{path} altered");
        fs::remove_file(&file).unwrap();
        assert!(!accepts(&exported), "{path} missing");
        fs::write(&file, &whole).unwrap();
        assert!(accepts(&exported), "{path}");
    }
    let other = Exported::new().await;
    let foreign = [
        "verify-checkpoint",
        "--tiles",
        exported.path(),
        "--log-key",
        other.key(),
    ];
    assert!(!run("aics-tlog", &foreign).status.success());
}
