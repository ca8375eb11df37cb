//! A bundle's tree on disk, and its archive.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use comity::policy::diagnostics::Code;
use comity::policy::source::ArchiveError;
use comity::policy::source::BundleDigest;
use comity::policy::source::BundleSource;
use comity::policy::source::FILE_LIMIT_BYTES;
use tempfile::TempDir;

const SCHEMA: &str = "entity User; action view appliesTo { principal: User, resource: User };";

/// A directory `policies` with a manifest, and a schema beside it.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    let manifest = "name = \"t\"\nschema = \"../s.cedarschema\"\n";
    write(directory.path(), "policies/bundle.toml", manifest);
    write(directory.path(), "s.cedarschema", SCHEMA);
    for (path, text) in files {
        write(directory.path(), &format!("policies/{path}"), text);
    }
    directory
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(directory: &TempDir) -> BundleSource {
    BundleSource::read(&directory.path().join("policies")).unwrap()
}

fn refusal(directory: &TempDir) -> Vec<Code> {
    let problems = BundleSource::read(&directory.path().join("policies")).unwrap_err();
    problems.iter().map(|problem| problem.code).collect()
}

fn names(source: &BundleSource) -> Vec<&str> {
    source.files().keys().map(String::as_str).collect()
}

#[test]
fn all_policy_files_of_the_tree_are_read() {
    let directory = tree(&[
        ("a.cedar", "a"),
        ("deep/er/b.cedar", "b"),
        ("notes.md", "no policy"),
        (".a.cedar.swp", "an editor's"),
        (".#a.cedar", "an editor's"),
        ("links.json", "[]"),
    ]);
    let source = read(&directory);
    assert_eq!(names(&source), ["a.cedar", "deep/er/b.cedar", "links.json"]);
    assert_eq!(source.schema(), SCHEMA);
}

#[test]
fn a_directory_with_its_own_manifest_is_another_bundle() {
    let directory = tree(&[
        ("a.cedar", ""),
        ("access/bundle.toml", ""),
        ("access/b.cedar", ""),
    ]);
    assert_eq!(names(&read(&directory)), ["a.cedar"]);
}

#[test]
fn a_mounted_configuration_volume_is_read_through_its_links() {
    let directory = tree(&[("..2026/a.cedar", "old"), ("..2027/a.cedar", "new")]);
    let root = directory.path().join("policies");
    symlink("..2026", root.join("..data")).unwrap();
    symlink("..data/a.cedar", root.join("a.cedar")).unwrap();
    assert_eq!(read(&directory).files()["a.cedar"], "old");
    symlink("..2027", root.join("..next")).unwrap();
    fs::rename(root.join("..next"), root.join("..data")).unwrap();
    assert_eq!(read(&directory).files()["a.cedar"], "new");
    assert_eq!(names(&read(&directory)), ["a.cedar"]);
}

#[test]
fn a_link_that_leads_back_is_read_once() {
    let directory = tree(&[("sub/a.cedar", "")]);
    let root = directory.path().join("policies");
    symlink(&root, root.join("sub/loop")).unwrap();
    symlink(root.join("sub"), root.join("sub/self")).unwrap();
    assert_eq!(names(&read(&directory)), ["sub/a.cedar"]);
}

#[test]
fn what_cannot_be_read_is_reported() {
    let missing = TempDir::new().unwrap();
    assert_eq!(refusal(&missing), [Code::Unreadable]);

    let directory = tree(&[("a.cedar", "")]);
    let root = directory.path().join("policies");
    fs::write(root.join("b.cedar"), b"\xff\xfe").unwrap();
    symlink("nowhere.cedar", root.join("c.cedar")).unwrap();
    let large = fs::File::create(root.join("d.cedar")).unwrap();
    large.set_len(FILE_LIMIT_BYTES + 1).unwrap();
    assert_eq!(
        refusal(&directory),
        [Code::NotUtf8, Code::Unreadable, Code::TooLarge]
    );
}

#[test]
fn a_file_at_the_limit_is_read() {
    let directory = tree(&[]);
    let file = fs::File::create(directory.path().join("policies/a.cedar")).unwrap();
    file.set_len(FILE_LIMIT_BYTES).unwrap();
    assert_eq!(
        read(&directory).files()["a.cedar"].len() as u64,
        FILE_LIMIT_BYTES
    );
}

#[test]
fn a_missing_schema_is_reported_with_who_asks_for_it() {
    let directory = tree(&[]);
    fs::remove_file(directory.path().join("s.cedarschema")).unwrap();
    let root = directory.path().join("policies");
    let problems = BundleSource::read(&root).unwrap_err().into_items();
    assert_eq!(problems[0].code, Code::Unreadable);
    assert_eq!(problems[0].related[0].place.line, 2);
}

fn texts(files: &[(&str, &str)]) -> BundleSource {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    BundleSource::from_texts("m", "s", "schema", files)
}

#[test]
fn an_archive_gives_the_same_bundle_and_the_same_bytes() {
    let source = texts(&[("b.cedar", "ü"), ("a.cedar", "")]);
    let archive = source.to_archive();
    let again = BundleSource::from_archive(&archive).unwrap();
    assert_eq!(again, source);
    assert_eq!(again.to_archive(), archive);
    assert_eq!(BundleDigest::of(&archive), source.digest());
    assert_eq!(source.digest().to_string().parse(), Ok(source.digest()));
    assert!(source.digest().to_string().starts_with("sha256:"));
}

#[test]
fn the_digest_depends_on_every_text_and_on_its_place_but_not_on_the_directory() {
    let digest = |files: &[(&str, &str)]| texts(files).digest();
    assert_ne!(digest(&[("a", "bc")]), digest(&[("ab", "c")]));
    assert_ne!(
        digest(&[("a", "x"), ("b", "")]),
        digest(&[("a", ""), ("b", "x")])
    );
    let one = tree(&[("a.cedar", "x")]);
    let other = tree(&[("a.cedar", "x")]);
    assert_eq!(read(&one).digest(), read(&other).digest());
}

#[test]
fn a_damaged_archive_is_refused() {
    let archive = texts(&[("a.cedar", "text"), ("b.cedar", "text")]).to_archive();
    for length in 0..archive.len() {
        let read = BundleSource::from_archive(&archive[..length]);
        // At the end of an entry the rest is a smaller bundle, which has another digest.
        if let Ok(smaller) = read {
            assert_eq!(smaller.to_archive(), &archive[..length]);
        }
    }
    assert_eq!(
        BundleSource::from_archive(b"tar"),
        Err(ArchiveError::Header)
    );
    let mut huge = archive.clone();
    let length_of_path = b"comity bundle 1\n".len() + 1;
    huge[length_of_path] = 0xff;
    assert_eq!(
        BundleSource::from_archive(&huge),
        Err(ArchiveError::CutShort)
    );
    let first_text = archive
        .windows(7)
        .position(|bytes| bytes == b"b.cedar")
        .unwrap();
    let mut disordered = archive.clone();
    disordered[first_text] = b'A';
    assert_eq!(
        BundleSource::from_archive(&disordered),
        Err(ArchiveError::Order)
    );
    let mut renamed = archive.clone();
    renamed[length_of_path + 8] = b'x';
    assert_eq!(
        BundleSource::from_archive(&renamed),
        Err(ArchiveError::Order)
    );
    let mut not_text = archive;
    not_text[first_text] = 0xff;
    assert_eq!(
        BundleSource::from_archive(&not_text),
        Err(ArchiveError::NotUtf8)
    );
}

#[test]
fn what_is_no_file_and_what_leads_nowhere_is_a_problem() {
    let directory = tree(&[("a.cedar", "a")]);
    let root = directory.path().join("policies");
    let _socket = std::os::unix::net::UnixListener::bind(root.join("b.cedar")).unwrap();
    symlink("gone.cedar", root.join("c.cedar")).unwrap();
    symlink("gone", root.join("review")).unwrap();
    assert_eq!(refusal(&directory), [Code::Unreadable; 3]);
}

#[test]
fn only_a_schema_beside_the_bundle_is_read() {
    for schema in ["/etc/hostname", "../secret.txt", "/s.cedarschema", "s"] {
        let directory = tree(&[("a.cedar", "a")]);
        let manifest = format!("name = \"t\"\nschema = \"{schema}\"\n");
        write(directory.path(), "policies/bundle.toml", &manifest);
        write(directory.path(), "secret.txt", SCHEMA);
        let root = directory.path().join("policies");
        let problems = BundleSource::read(&root).unwrap_err().into_items();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].code, Code::Manifest);
        assert_eq!(problems[0].place.as_ref().unwrap().line, 2);
    }
}
