//! The watcher before what editors, deployments and file systems do to a policy directory.
//!
//! Each case runs twice: woken by events alone (the poll is an hour away), and polling alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use comity::policy::watch::Patience;
use comity::policy::watch::Watch;

/// Far beyond what any machine needs; a test that waits so long has failed.
const GENEROUS: Duration = Duration::from_mins(1);

/// What a loader sees: the text of every file by its name.
type Texts = BTreeMap<String, String>;

/// A watched directory, and what a loader saw at each signal.
struct Scene {
    parent: tempfile::TempDir,
    signals: Arc<(Mutex<Vec<Texts>>, Condvar)>,
    watch: Option<Watch>,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Events,
    Polling,
}

impl Scene {
    fn new(mode: Mode, set_up: impl FnOnce(&Path)) -> Self {
        let parent = tempfile::tempdir().unwrap();
        set_up(parent.path());
        let mut scene = Self {
            parent,
            signals: Arc::default(),
            watch: None,
        };
        let signals = Arc::clone(&scene.signals);
        let root = scene.root();
        let on_change = move || {
            signals.0.lock().unwrap().push(texts(&root));
            signals.1.notify_all();
        };
        let patience = |poll| Patience {
            quiet: Duration::from_millis(30),
            longest: Duration::from_millis(200),
            poll,
        };
        let roots = vec![scene.root(), scene.path("mcx.cedarschema")];
        let watch = match mode {
            Mode::Events => Watch::start(roots, patience(Duration::from_hours(1)), on_change),
            Mode::Polling => {
                Watch::start_polling(roots, patience(Duration::from_millis(20)), on_change)
            }
        };
        scene.watch = Some(watch.unwrap());
        scene
    }

    fn root(&self) -> PathBuf {
        self.path("policies")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.parent.path().join(name)
    }

    /// Waits until a loader, told by the watcher, saw exactly this.
    fn awaits(&self, expected: &[(&str, &str)]) {
        let expected: Texts = expected
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        self.awaits_that(|signals| signals.last() == Some(&expected), &expected);
    }

    fn awaits_that(&self, holds: impl Fn(&[Texts]) -> bool, expected: &dyn std::fmt::Debug) {
        let start = Instant::now();
        let mut signals = self.signals.0.lock().unwrap();
        while !holds(&signals) {
            let left = GENEROUS.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "expected {expected:?}, saw {signals:?}");
            signals = self.signals.1.wait_timeout(signals, left).unwrap().0;
        }
    }
}

fn texts(root: &Path) -> Texts {
    let mut texts = Texts::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with('.') {
                continue;
            }
            if entry.path().is_dir() {
                pending.push(entry.path());
            } else {
                texts.insert(name, fs::read_to_string(entry.path()).unwrap_or_default());
            }
        }
    }
    texts
}

fn with_one_file(parent: &Path) {
    fs::create_dir(parent.join("policies")).unwrap();
    fs::write(parent.join("policies/a.cedar"), "one").unwrap();
    fs::write(parent.join("mcx.cedarschema"), "schema").unwrap();
}

fn in_both_modes(case: impl Fn(Mode)) {
    case(Mode::Events);
    case(Mode::Polling);
}

#[test]
fn saving_in_place_is_noticed_each_time() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        for text in ["two", "six", "ten"] {
            fs::write(scene.root().join("a.cedar"), text).unwrap();
            scene.awaits(&[("a.cedar", text)]);
        }
    });
}

#[test]
fn saving_by_rename_is_noticed_each_time() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        for text in ["two", "six", "ten"] {
            let new = scene.root().join(".a.cedar.new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, scene.root().join("a.cedar")).unwrap();
            scene.awaits(&[("a.cedar", text)]);
        }
    });
}

#[test]
fn saving_with_a_backup_as_vim_does_is_noticed() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        let file = scene.root().join("a.cedar");
        fs::write(scene.root().join("4913"), "").unwrap();
        fs::remove_file(scene.root().join("4913")).unwrap();
        fs::rename(&file, scene.root().join("a.cedar~")).unwrap();
        fs::write(&file, "two").unwrap();
        fs::remove_file(scene.root().join("a.cedar~")).unwrap();
        scene.awaits(&[("a.cedar", "two")]);
    });
}

#[test]
fn a_file_written_in_pieces_is_in_the_end_seen_whole() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        let mut file = fs::File::create(scene.root().join("a.cedar")).unwrap();
        for _ in 0..20 {
            file.write_all(b"piece ").unwrap();
            file.sync_all().unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(file);
        scene.awaits(&[("a.cedar", &"piece ".repeat(20))]);
    });
}

#[test]
fn writing_without_end_does_not_hold_the_signal_back() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        let start = Instant::now();
        let mut count = 0;
        while scene.signals.0.lock().unwrap().len() < 2 {
            assert!(start.elapsed() < GENEROUS, "held back by steady writing");
            count += 1;
            fs::write(scene.root().join("a.cedar"), format!("{count}")).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        scene.awaits(&[("a.cedar", &count.to_string())]);
    });
}

#[test]
fn files_that_come_and_go_are_noticed() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        fs::write(scene.root().join("b.cedar"), "two").unwrap();
        scene.awaits(&[("a.cedar", "one"), ("b.cedar", "two")]);
        fs::remove_file(scene.root().join("a.cedar")).unwrap();
        scene.awaits(&[("b.cedar", "two")]);
        fs::rename(scene.root().join("b.cedar"), scene.root().join("c.cedar")).unwrap();
        scene.awaits(&[("c.cedar", "two")]);
    });
}

#[test]
fn new_directories_are_watched_however_deep() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        let deep = scene.root().join("review/fire");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("b.cedar"), "two").unwrap();
        scene.awaits(&[("a.cedar", "one"), ("b.cedar", "two")]);
        fs::write(deep.join("b.cedar"), "six").unwrap();
        scene.awaits(&[("a.cedar", "one"), ("b.cedar", "six")]);
        fs::remove_dir_all(scene.root().join("review")).unwrap();
        scene.awaits(&[("a.cedar", "one")]);
    });
}

#[test]
fn a_replaced_directory_is_noticed_and_watched_in_its_turn() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        for text in ["two", "six"] {
            fs::create_dir(scene.path("incoming")).unwrap();
            fs::write(scene.path("incoming/b.cedar"), text).unwrap();
            fs::rename(scene.root(), scene.path("outgoing")).unwrap();
            fs::rename(scene.path("incoming"), scene.root()).unwrap();
            scene.awaits(&[("b.cedar", text)]);
            fs::remove_dir_all(scene.path("outgoing")).unwrap();
        }
        fs::write(scene.root().join("b.cedar"), "ten").unwrap();
        scene.awaits(&[("b.cedar", "ten")]);
    });
}

#[test]
fn a_directory_that_vanishes_and_comes_back_is_noticed_both_times() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        fs::remove_dir_all(scene.root()).unwrap();
        scene.awaits(&[]);
        fs::create_dir(scene.root()).unwrap();
        fs::write(scene.root().join("a.cedar"), "two").unwrap();
        scene.awaits(&[("a.cedar", "two")]);
        fs::write(scene.root().join("a.cedar"), "six").unwrap();
        scene.awaits(&[("a.cedar", "six")]);
    });
}

#[test]
fn a_directory_that_is_not_there_yet_is_awaited() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, |_| {});
        with_one_file(scene.parent.path());
        scene.awaits(&[("a.cedar", "one")]);
    });
}

#[test]
fn mounted_configuration_is_swapped_whole() {
    in_both_modes(|mode| {
        let version = |root: &Path, name: &str, text: &str| {
            fs::create_dir_all(root.join(name).join("review")).unwrap();
            fs::write(root.join(name).join("a.cedar"), text).unwrap();
            fs::write(root.join(name).join("review/b.cedar"), text).unwrap();
        };
        let scene = Scene::new(mode, |parent| {
            let root = parent.join("policies");
            version(&root, "..2026_01", "one");
            symlink("..2026_01", root.join("..data")).unwrap();
            symlink("..data/a.cedar", root.join("a.cedar")).unwrap();
            symlink("..data/review", root.join("review")).unwrap();
        });
        let root = scene.root();
        for (old, new, text) in [
            ("..2026_01", "..2026_02", "two"),
            ("..2026_02", "..2026_03", "six"),
        ] {
            version(&root, new, text);
            symlink(new, root.join("..data_tmp")).unwrap();
            fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
            fs::remove_dir_all(root.join(old)).unwrap();
            scene.awaits(&[("a.cedar", text), ("b.cedar", text)]);
        }
    });
}

#[test]
fn a_root_that_is_a_link_may_be_pointed_elsewhere() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, |parent| {
            for (release, text) in [("r1", "one"), ("r2", "two")] {
                fs::create_dir(parent.join(release)).unwrap();
                fs::write(parent.join(release).join("a.cedar"), text).unwrap();
            }
            symlink("r1", parent.join("policies")).unwrap();
        });
        symlink("r2", scene.path("next")).unwrap();
        fs::rename(scene.path("next"), scene.root()).unwrap();
        scene.awaits(&[("a.cedar", "two")]);
        fs::write(scene.path("r2/a.cedar"), "six").unwrap();
        scene.awaits(&[("a.cedar", "six")]);
    });
}

#[test]
fn a_schema_beside_the_directory_is_watched_too() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        for (count, text) in [(1, "two"), (2, "six")] {
            let new = scene.path("mcx.cedarschema.new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, scene.path("mcx.cedarschema")).unwrap();
            scene.awaits_that(|signals| signals.len() >= count, &text);
        }
    });
}

#[test]
fn only_changes_are_signalled() {
    in_both_modes(|mode| {
        let scene = Scene::new(mode, with_one_file);
        let file = fs::File::open(scene.root().join("a.cedar")).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        fs::write(scene.path("unrelated"), "x").unwrap();
        fs::write(scene.root().join(".hidden"), "x").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert!(scene.signals.0.lock().unwrap().is_empty());
        fs::write(scene.root().join("a.cedar"), "two").unwrap();
        scene.awaits(&[("a.cedar", "two")]);
    });
}

#[test]
fn a_panic_after_a_change_does_not_end_the_watch() {
    let parent = tempfile::tempdir().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let patience = Patience {
        quiet: Duration::from_millis(10),
        longest: Duration::from_millis(50),
        poll: Duration::from_millis(20),
    };
    let on_change = move || {
        sender.send(()).unwrap();
        panic!("the loader fails");
    };
    let _watch = Watch::start(vec![parent.path().to_owned()], patience, on_change).unwrap();
    for text in ["one", "two", "six"] {
        fs::write(parent.path().join("a.cedar"), text).unwrap();
        receiver.recv_timeout(GENEROUS).unwrap();
    }
}

#[test]
fn dropping_the_watch_ends_it() {
    in_both_modes(|mode| {
        let mut scene = Scene::new(mode, with_one_file);
        assert_eq!(Arc::strong_count(&scene.signals), 2);
        drop(scene.watch.take());
        assert_eq!(Arc::strong_count(&scene.signals), 1);
    });
}
