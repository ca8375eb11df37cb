//! The example worlds: every command of their stories is run, and what it prints is what the story says.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::front::copy_tree;

/// Where the services of the stories listen; the test gives each a port that is free.
const PORT: &str = "127.0.0.1:847";

/// The commands of a block, and what they print, if it is told.
struct Block {
    commands: String,
    printed: Option<String>,
}

/// The `sh` blocks of a page, each with the `text` block that follows it at once.
fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut rest = page;
    while let Some((between, block)) = rest.split_once("```") {
        let (content, behind) = block.split_once("\n```").unwrap();
        let (language, content) = content.split_once('\n').unwrap();
        match language {
            "sh" => found.push(Block {
                commands: content.to_owned(),
                printed: None,
            }),
            "text" => {
                assert_eq!(
                    between.trim(),
                    "",
                    "a text block stands behind its commands"
                );
                found.last_mut().unwrap().printed = Some(content.to_owned());
            }
            other => panic!("a block of `{other}`"),
        }
        rest = behind;
    }
    found
}

/// Whether a line is as told, where `…` stands for anything.
fn is_told(line: &str, told: &str) -> bool {
    let mut pieces = told.split('…');
    let Some(mut left) = line.strip_prefix(pieces.next().unwrap()) else {
        return false;
    };
    let mut is_open = false;
    for piece in pieces {
        is_open = piece.is_empty();
        let Some((_, behind)) = left.split_once(piece) else {
            return false;
        };
        left = behind;
    }
    is_open || left.is_empty()
}

fn differences(printed: &str, told: &str) -> Vec<String> {
    let printed: Vec<&str> = printed.trim_end().lines().collect();
    let told: Vec<&str> = told.lines().collect();
    let count = printed.len().max(told.len());
    (0..count)
        .filter_map(|number| {
            let (line, expected) = (printed.get(number), told.get(number));
            match (line, expected) {
                (Some(line), Some(expected)) if is_told(line, expected) => None,
                _ => Some(format!("told {expected:?}\n  got {line:?}")),
            }
        })
        .collect()
}

/// Runs the commands of a world's page in a directory of their own, from which they see the repository's examples and policies.
fn tell(world: &str) {
    let directory = tempfile::tempdir().unwrap();
    for tree in ["examples", "policies", "schemas"] {
        copy_tree(Path::new(tree), &directory.path().join(tree));
    }
    let program = Path::new(env!("CARGO_BIN_EXE_comity"));
    let programs = program.parent().unwrap().display();
    let page = fs::read_to_string(format!("examples/{world}/README.md")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 5, "{world}");
    for block in &blocks {
        let (commands, told) = on_free_port(block);
        let ran = Command::new("sh")
            .args([
                "-c",
                &format!("exec 2>&1\nPATH='{programs}':$PATH\n{commands}"),
            ])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        let told = told.unwrap_or_default();
        let differences = differences(&printed, &told);
        assert!(
            differences.is_empty(),
            "{world}:\n{commands}\n{}\n{printed}",
            differences.join("\n")
        );
    }
}

fn on_free_port(block: &Block) -> (String, Option<String>) {
    let Some((_, behind)) = block.commands.split_once(PORT) else {
        return (block.commands.clone(), block.printed.clone());
    };
    let written = format!("{PORT}{}", behind.chars().next().unwrap());
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    let moved = |text: &str| text.replace(&written, &address);
    (moved(&block.commands), block.printed.as_deref().map(moved))
}

#[test]
fn police_and_fire_at_the_border() {
    tell("nl-de");
}

#[test]
fn three_countries() {
    tell("nordic");
}

#[test]
fn into_the_tactical_bubble() {
    tell("tactical");
}

#[test]
fn a_told_line_is_compared_around_what_may_be_anything() {
    for (line, told, is_same) in [
        ("a b c", "a b c", true),
        ("a b c", "a … c", true),
        ("a b c", "a …", true),
        ("a b c", "… c", true),
        ("a b c d", "a … c", false),
        ("a b c", "a b", false),
        ("b c", "a …", false),
    ] {
        assert_eq!(is_told(line, told), is_same, "{line} {told}");
    }
    assert_eq!(differences("a\nb\n", "a").len(), 1);
    assert_eq!(differences("a\n", "a\nb").len(), 1);
}
