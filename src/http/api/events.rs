//! `/v1/events`: what happens, as server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::Extension;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::Sse;
use axum::response::sse;
use futures_core::Stream;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::error::AppError;
use crate::app::events::EventKind;
use crate::app::events::EventMessage;
use crate::app::events::Feed;
use crate::app::events::Place;
use crate::app::events::Wanted;
use crate::app::permission::Action;
use crate::decision_log::TreeSize;
use crate::http::caller::Authenticated;
use crate::http::caller::bearer;
use crate::http::connection::StaysOpen;
use crate::http::connection::UnderWay;
use crate::http::problem::Problem;
use crate::http::problem::kind::ProblemKind;
use crate::http::state::ServiceState;
use crate::http::streams::OpenStream;
use crate::identity::caller::Caller;
use crate::identity::token::Token;

/// The header by which a reader says what it has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How long a reader that lost its stream waits before it comes again.
const RETRY: Duration = Duration::from_secs(3);

/// How many events wait for the connection to take them.
const WAITING_MAX: usize = 4;

/// How long a reader may take nothing before it is given up; it comes again and goes on where it was.
const STALLED_MAX: Duration = Duration::from_mins(1);

/// Which events, and from where on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    after: Option<String>,
    types: Option<String>,
    partner: Option<String>,
}

/// `GET /v1/events`: what the caller may see, from `Last-Event-ID` or `after` on, else from now on.
pub(super) async fn stream(
    State(state): State<ServiceState>,
    Authenticated(caller): Authenticated,
    connection: Option<Extension<StaysOpen>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    state.app().permit(&caller, Action::ReadEvents)?;
    let Query(asked) = asked
        .map_err(|rejection| Problem::new(ProblemKind::InvalidRequest, rejection.body_text()))?;
    let token = bearer(&headers).ok_or_else(Problem::unauthenticated)?;
    let after = place(&headers, asked.after.as_deref())?;
    let wanted = wanted(&asked)?;
    let app = state.app().clone();
    let name = caller.name.clone();
    let opening = tokio::task::spawn_blocking(move || app.events(&caller, wanted, after.as_ref()));
    let feed = opening
        .await
        .map_err(|error| Problem::from(AppError::Broken(Box::new(error))))??;
    let open = state.open_stream(&name)?;
    let (events, receiver) = mpsc::channel(WAITING_MAX);
    let teller = Teller {
        state,
        token,
        events,
        told: Instant::now(),
        _open: open,
        _under_way: connection.map(|Extension(connection)| connection.hold()),
    };
    tokio::spawn(teller.tell(feed));
    Ok(Sse::new(Taken(receiver)).into_response())
}

/// After which event; a reader that comes again says it in the header, which is newer than its address.
fn place(headers: &HeaderMap, after: Option<&str>) -> Result<Option<Place>, Problem> {
    let wrong = |detail: &dyn std::fmt::Display| {
        Problem::new(ProblemKind::InvalidRequest, detail.to_string())
    };
    match (headers.get(&LAST_EVENT_ID), after) {
        // A reader that was told nothing yet sends an empty one.
        (Some(header), _) if !header.is_empty() => header
            .to_str()
            .map_err(|error| wrong(&error).at_header(&LAST_EVENT_ID))?
            .parse()
            .map(Some)
            .map_err(|error| wrong(&error).at_header(&LAST_EVENT_ID)),
        (_, Some(after)) => after
            .parse()
            .map(Some)
            .map_err(|error| wrong(&error).at_parameter("after")),
        (_, None) => Ok(None),
    }
}

fn wanted(asked: &Asked) -> Result<Wanted, Problem> {
    let refused =
        |name, detail: String| Problem::new(ProblemKind::InvalidRequest, detail).at_parameter(name);
    let kinds = asked.types.as_deref().map(|types| {
        let words = types.split(',').map(str::trim);
        let kinds = words.map(str::parse::<EventKind>);
        kinds.collect::<Result<_, _>>()
    });
    let kinds = kinds
        .transpose()
        .map_err(|error| refused("types", error.to_string()))?;
    let partner = asked.partner.as_deref().map(str::parse);
    let partner = partner
        .transpose()
        .map_err(|_| refused("partner", "it is no MC system ID".to_owned()))?;
    Ok(Wanted { kinds, partner })
}

/// Why a stream ends.
enum End {
    /// The reader went away, or takes nothing.
    Gone,
    /// The service stops, or the caller may not go on.
    Over,
}

/// Tells one reader what happens, a page at a time: it reads on when the reader has taken what there was.
struct Teller {
    state: ServiceState,
    token: Token,
    events: mpsc::Sender<sse::Event>,
    /// When something was told last.
    told: Instant,
    _open: OpenStream,
    /// The connection does not count as idle meanwhile.
    _under_way: Option<UnderWay>,
}

impl Teller {
    async fn tell(mut self, feed: Feed) {
        match self.tell_on(feed).await {
            Ok(()) | Err(End::Gone | End::Over) => tracing::debug!("an event stream ended"),
        }
    }

    async fn tell_on(&mut self, mut feed: Feed) -> Result<(), End> {
        let beginning = sse::Event::default().retry(RETRY);
        self.hand_over(beginning.id(feed.place().to_string()))
            .await?;
        let mut appended = self.state.app().appended();
        loop {
            // Before the log is looked at: what comes meanwhile wakes.
            appended.borrow_and_update();
            let page;
            (feed, page) = self.page(feed).await?;
            for (place, _) in page {
                let message;
                (feed, message) = self.again(feed, &place).await?;
                if let Some(message) = message {
                    self.hand_over(event(&place, &message)?).await?;
                }
            }
            if self.told.elapsed() >= self.state.settings().heartbeat {
                self.beat(&feed).await?;
            }
            if feed.is_behind() {
                continue;
            }
            self.wait(&mut appended).await?;
        }
    }

    /// Until there is more in the log, or it is time for a heartbeat.
    async fn wait(&self, appended: &mut watch::Receiver<TreeSize>) -> Result<(), End> {
        let beat = self.told + self.state.settings().heartbeat;
        let mut stopping = self.state.stopping();
        tokio::select! {
            changed = appended.changed() => changed.map_err(|_| End::Over),
            () = tokio::time::sleep_until(beat) => Ok(()),
            () = self.events.closed() => Err(End::Gone),
            _ = stopping.wait_for(|stopping| *stopping) => Err(End::Over),
        }
    }

    /// The next page for whoever the caller is by now.
    async fn page(&self, feed: Feed) -> Result<(Feed, Vec<(Place, EventMessage)>), End> {
        self.read(feed, Feed::page).await
    }

    /// An event of it as whoever the caller is by now may see it: a reader who takes nothing keeps the others waiting.
    async fn again(&self, feed: Feed, place: &Place) -> Result<(Feed, Option<EventMessage>), End> {
        let place = place.clone();
        let again = move |feed: &mut Feed, caller: &Caller| feed.again(caller, &place);
        self.read(feed, again).await
    }

    async fn read<T: Send + 'static>(
        &self,
        mut feed: Feed,
        read: impl FnOnce(&mut Feed, &Caller) -> Result<T, AppError> + Send + 'static,
    ) -> Result<(Feed, T), End> {
        if self.state.is_draining() {
            return Err(End::Over);
        }
        let caller = self.state.authenticate(&self.token).ok_or(End::Over)?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = read(&mut feed, &caller);
            (feed, read)
        });
        let (feed, read) = reading.await.map_err(|_| End::Over)?;
        match read {
            Ok(read) => Ok((feed, read)),
            Err(AppError::Forbidden { .. }) => Err(End::Over),
            Err(error) => {
                let place = feed.place().to_string();
                tracing::error!(%error, place, "an event cannot be read");
                Err(End::Over)
            }
        }
    }

    /// Says that the stream lives, and how far it was looked.
    async fn beat(&mut self, feed: &Feed) -> Result<(), End> {
        let beat = sse::Event::default().comment("heartbeat");
        self.hand_over(beat.id(feed.place().to_string())).await
    }

    async fn hand_over(&mut self, event: sse::Event) -> Result<(), End> {
        let mut stopping = self.state.stopping();
        let taken = tokio::select! {
            taken = tokio::time::timeout(STALLED_MAX, self.events.send(event)) => taken,
            _ = stopping.wait_for(|stopping| *stopping) => return Err(End::Over),
        };
        self.told = Instant::now();
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

fn event(place: &Place, message: &EventMessage) -> Result<sse::Event, End> {
    let text = serde_json::to_string(message).map_err(|error| {
        tracing::error!(%error, "an event cannot be written");
        End::Over
    })?;
    let event = sse::Event::default().id(place.to_string());
    Ok(event.event(message.r#type.as_str()).data(text))
}

/// What is handed over, as the body takes it.
struct Taken(mpsc::Receiver<sse::Event>);

impl Stream for Taken {
    type Item = Result<sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
