//! `/v1/records/export`: records by range, as a stream of lines.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::app::error::AppError;
use crate::app::export::Export;
use crate::app::export::ExportSettings;
use crate::app::export::Format;
use crate::http::api::parameters::Asked;
use crate::http::api::parameters::Parameters;
use crate::http::caller::Authenticated;
use crate::http::connection::StaysOpen;
use crate::http::problem::Problem;
use crate::http::state::ServiceState;

/// How many pieces wait for the connection to take them.
const WAITING_MAX: usize = 4;

/// About how many bytes are handed over at once; one line can have more.
const PIECE_BYTES: usize = 64 * 1024;

/// How long a reader may take nothing before it is given up; it comes again and goes on where it was.
const STALLED_MAX: Duration = Duration::from_mins(1);

/// Which records, and how.
const PARAMETERS: [&str; 7] = [
    "format",
    "first",
    "last",
    "from",
    "until",
    "mask",
    "mask_label",
];

/// `GET /v1/records/export`: every record of a range, a line each, and a trailer.
pub(super) async fn stream(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    connection: Option<Extension<StaysOpen>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let asked = Parameters::read(asked, &PARAMETERS).and_then(|asked| settings(&asked));
    // Who may not read records learns that first.
    state.app().may_export(&caller)?;
    let export = state.app().export(&caller, asked?).await?;
    let open = state.open_stream(&caller.name)?;
    let under_way = connection.map(|Extension(connection)| connection.hold());
    let (pieces, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        let _held = (open, under_way);
        hand_over(&state, export, &pieces).await;
    });
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(Taken(receiver))).into_response())
}

fn settings(asked: &Parameters) -> Result<ExportSettings, Problem> {
    Ok(ExportSettings {
        format: asked.parsed("format")?.unwrap_or(Format::Ndjson),
        first: asked.parsed("first")?,
        last: asked.parsed("last")?,
        from: asked.parsed("from")?,
        until: asked.parsed("until")?,
        mask: asked.parsed("mask")?.unwrap_or_default(),
        mask_label: asked.get("mask_label").map(str::to_owned),
    })
}

/// Reads on when the reader has taken what there was; ends where it went away, or the service stops.
async fn hand_over(state: &ServiceState, mut export: Export, pieces: &mpsc::Sender<Bytes>) {
    let mut stopping = state.stopping();
    loop {
        if state.is_draining() {
            return;
        }
        let reading = tokio::task::spawn_blocking(move || {
            let piece = piece(&mut export);
            (export, piece)
        });
        let piece;
        (export, piece) = match reading.await {
            Ok(read) => read,
            Err(error) => {
                let error = AppError::Broken(Box::new(error));
                tracing::error!(%error, "records cannot be exported");
                return;
            }
        };
        if piece.is_empty() {
            if let Some(error) = export.trailer().error {
                tracing::error!(error, "an export of records ended early");
            }
            return;
        }
        let taken = tokio::select! {
            taken = tokio::time::timeout(STALLED_MAX, pieces.send(Bytes::from(piece))) => taken,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        if !matches!(taken, Ok(Ok(()))) {
            tracing::debug!("an export of records was given up by its reader");
            return;
        }
    }
}

/// Some lines; empty at the end.
fn piece(export: &mut Export) -> Vec<u8> {
    let mut piece = Vec::new();
    for line in export.by_ref() {
        piece.extend(line);
        if piece.len() >= PIECE_BYTES {
            break;
        }
    }
    piece
}

/// What is handed over, as the body takes it.
struct Taken(mpsc::Receiver<Bytes>);

impl Stream for Taken {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}
