//! How long personal parts are kept, by the kind of record, and erasing those whose time is over.

use std::collections::BTreeMap;

use jiff::Span;
use jiff::tz::TimeZone;

use crate::app::App;
use crate::app::error::AppError;
use crate::decision_log::LeafKind;
use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::store::embedded::erasure::Mode;
use crate::store::embedded::erasure::Plan;
use crate::store::embedded::erasure::Selection;
use crate::store::embedded::journal::SegmentName;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureStep;

/// How long after the end of a round the next one begins.
const ROUND_MILLISECONDS: i64 = 24 * 60 * 60 * 1_000;

/// How many segments are looked at in one go.
const SEGMENTS_AT_ONCE_MAX: usize = 16;

/// How long personal parts of records are kept; kinds that are absent for ever.
#[derive(Clone, Debug, Default)]
pub struct Retention(BTreeMap<LeafKind, Span>);

/// Two settings are the same if they say the same.
impl PartialEq for Retention {
    fn eq(&self, other: &Self) -> bool {
        let same = |((kind, span), (other_kind, other))| {
            let (span, other): (&Span, &Span) = (span, other);
            kind == other_kind && span.fieldwise() == other.fieldwise()
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

impl Eq for Retention {}

impl Retention {
    /// Nothing is kept for a limited time.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in a kind and an ISO 8601 duration, or says what is wrong with them.
    pub fn add(&mut self, kind: &str, kept: &str) -> Result<(), String> {
        let word = serde_json::Value::String(kind.to_owned());
        let kind: LeafKind = serde_json::from_value(word).map_err(|_| {
            format!("there is no kind of record `{kind}`; docs/record.md lists them")
        })?;
        let example = "write an ISO 8601 duration such as `P2Y`, `P18M` or `P90D`";
        let span: Span = kept
            .parse()
            .map_err(|_| format!("`{kept}` is no duration; {example}"))?;
        if !span.is_positive() {
            return Err(format!("`{kept}` is not longer than nothing; {example}"));
        }
        if before(Timestamp::from_milliseconds(0), &span).is_none() {
            return Err(format!(
                "`{kept}` is longer than any log; leave it out to keep for ever"
            ));
        }
        self.0.insert(kind, span);
        Ok(())
    }

    /// Since when records of each kind are kept, at a moment.
    fn kept_since(&self, now: Timestamp) -> BTreeMap<LeafKind, Timestamp> {
        let kinds = self.0.iter();
        kinds
            .filter_map(|(kind, span)| Some((*kind, before(now, span)?)))
            .collect()
    }
}

/// The moment a span of the calendar before another.
fn before(now: Timestamp, span: &Span) -> Option<Timestamp> {
    let now = jiff::Timestamp::from_millisecond(now.as_milliseconds()).ok()?;
    let then = now.to_zoned(TimeZone::UTC).checked_sub(*span).ok()?;
    Some(Timestamp::from_milliseconds(
        then.timestamp().as_millisecond(),
    ))
}

impl App {
    /// Erases what is kept no longer, a piece of the log at a time; while the clock has just jumped, nothing.
    pub async fn keep_retention(&self) {
        let retention = &self.settings().retention;
        if retention.is_empty() || self.clock().jump().is_some() {
            return;
        }
        let now = self.present().earliest;
        let mut rounds = self.0.erasures.lock().await;
        if rounds.cursor.is_none() && rounds.retention_at.is_some_and(|at| now < at) {
            return;
        }
        let kept_since = retention.kept_since(now);
        let from = rounds.cursor.unwrap_or(LogIndex(0));
        match self.retain_pieces(from, kept_since).await {
            Ok(Some(next)) => rounds.cursor = Some(next),
            Ok(None) => {
                rounds.cursor = None;
                rounds.retention_at = Some(now.plus_milliseconds(ROUND_MILLISECONDS));
            }
            Err(error) => {
                let cause = crate::telemetry::chain::chain(&error);
                tracing::warn!(%cause, "records that are kept no longer could not be erased yet; the next round tries again");
            }
        }
    }

    /// Says where to go on; nothing at the end of the log.
    async fn retain_pieces(
        &self,
        from: LogIndex,
        kept_since: BTreeMap<LeafKind, Timestamp>,
    ) -> Result<Option<LogIndex>, AppError> {
        let mut next = from;
        for _ in 0..SEGMENTS_AT_ONCE_MAX {
            let segments = self.store().reader().payload_segments();
            let piece = segments.into_iter().find(|segment| next < segment.end);
            let Some(piece) = piece else {
                return Ok(None);
            };
            let kept = kept_since.clone();
            let plan = self.aside(move |app| app.retained(piece, &kept)).await?;
            next = piece.end;
            if !plan.is_empty() {
                self.erase_retained(kept_since, plan).await?;
                return Ok(Some(next));
            }
        }
        Ok(Some(next))
    }

    /// Says what is erased in the log before it is.
    async fn erase_retained(
        &self,
        kept_since: BTreeMap<LeafKind, Timestamp>,
        plan: Plan,
    ) -> Result<(), AppError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| AppError::Broken(Box::new(error)))?;
        let id = ErasureId(uuid::Builder::from_random_bytes(random).into_uuid());
        let step = ErasureStep::Retention {
            kept_since,
            erased: plan.erased(),
        };
        self.note_erasure(id, step).await?;
        self.aside(move |app| {
            let erased = app.store().erase(&plan);
            erased.map_err(|error| AppError::Broken(Box::new(error)))
        })
        .await
    }

    fn retained(
        &self,
        piece: SegmentName,
        kept_since: &BTreeMap<LeafKind, Timestamp>,
    ) -> Result<Plan, AppError> {
        let selection = Selection {
            first: piece.first,
            before: crate::decision_log::TreeSize(piece.end.0),
            reaches: &|_| true,
            takes: &|it| {
                let since = kept_since.get(&it.leaf.kind());
                since.is_some_and(|since| it.leaf.time().as_millisecond() < since.as_milliseconds())
            },
            mode: Mode::Retention,
        };
        let plan = self.store().plan_erasure(&selection);
        plan.map_err(|error| AppError::Broken(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::Retention;
    use crate::decision_log::LeafKind;
    use crate::domain::time::Timestamp;

    #[test]
    fn a_year_is_one_of_the_calendar() {
        let mut retention = Retention::default();
        retention.add("request", "P1Y").unwrap();
        // 2028-03-01T00:00:00Z, after a leap day.
        let now = Timestamp::from_milliseconds(1_835_481_600_000);
        let since = retention.kept_since(now);
        let year = 366 * 24 * 60 * 60 * 1_000;
        assert_eq!(since[&LeafKind::Request], now.plus_milliseconds(-year));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_remedy() {
        let mut retention = Retention::default();
        for (kind, kept, said) in [
            ("requests", "P1Y", "no kind of record `requests`"),
            ("request", "1 year ago tomorrow", "ISO 8601"),
            ("request", "P0D", "not longer than nothing"),
            ("request", "-P1Y", "not longer than nothing"),
        ] {
            let refused = retention.add(kind, kept).unwrap_err();
            assert!(refused.contains(said), "{kind} {kept}: {refused}");
        }
        assert!(retention.is_empty());
    }
}
