//! How the command line talks to a service: the caller's token goes where it was told to, and nowhere else.

use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::cli::comity_aside;
use super::cli::text;
use super::support::OFFICER;
use super::support::TestService;
use super::support::eventually;
use super::support::membership;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000001";

/// Somebody who gives every caller the same answer; the first bytes of each call are kept.
async fn somebody(answer: String) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, calls) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4_096];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            let call = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let written = stream.write_all(answer.as_bytes()).await;
            if told.send(call).is_err() || written.is_err() {
                return;
            }
        }
    });
    (url, calls)
}

fn token_file(directory: &tempfile::TempDir) -> String {
    let file = directory.path().join("token");
    std::fs::write(&file, "comity_secret\n").unwrap();
    text(&file).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_told_and_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let token = token_file(&directory);
    let (elsewhere, mut calls) = somebody("HTTP/1.1 200 OK\r\n\r\n".to_owned()).await;
    let head = format!("HTTP/1.1 307 Go\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    let (url, _asked) = somebody(head).await;
    let show = [
        "review",
        "show",
        UNKNOWN,
        "--url",
        &url,
        "--token-file",
        &token,
    ];
    let ended = comity_aside(&show).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.err.contains("307"), "{}", ended.err);
    assert!(calls.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_encrypted_goes_through_no_proxy() {
    let service = TestService::start().await;
    let (proxy, mut calls) =
        somebody("HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let (url, token) = (service.url(), service.token_file("operator"));
    let token = text(&token).to_owned();
    let run = move || {
        Command::new(env!("CARGO_BIN_EXE_comity"))
            .args(["registry", "export", "--url", &url, "--token-file", &token])
            .envs(["http_proxy", "HTTP_PROXY", "all_proxy"].map(|name| (name, &proxy)))
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(calls.try_recv().is_err(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_what_is_no_stream_ends() {
    let directory = tempfile::tempdir().unwrap();
    let token = token_file(&directory);
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>hello";
    let (url, _calls) = somebody(answer.to_owned()).await;
    let watch = ["review", "watch", "--url", &url, "--token-file", &token];
    let ended = comity_aside(&watch).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended.err.contains("not a stream of events"),
        "{}",
        ended.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_nobody_reads_any_more_ends() {
    let service = TestService::start().await;
    let (url, token) = (service.url(), service.token_file("reviewer"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_comity"))
        .args(["review", "watch", "--after", "0", "--url", &url])
        .args(["--token-file", text(&token)])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let status = eventually("the watch has ended", async || {
        service.submit(&membership(&[OFFICER])).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        child.try_wait().unwrap()
    })
    .await;
    assert_eq!(status.code(), Some(0));
}
