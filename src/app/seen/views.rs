//! What was read for views that were given out lately, so that it can be told in which revision something was then.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::app::seen::token::Seen;
use crate::decision::facts::ReadKey;
use crate::domain::registry::Revision;
use crate::store::command::RequestId;

/// How many look-ups are remembered in all.
const READS_MAX: usize = 200_000;

/// Look-ups and the revisions that they found.
pub(super) type Reads = Arc<Vec<(ReadKey, Option<Revision>)>>;

/// Views by request and token; the oldest are forgotten first. After a restart there are none.
#[derive(Debug, Default)]
pub(in crate::app) struct Views {
    remembered: HashMap<(RequestId, Seen), Reads>,
    order: VecDeque<(RequestId, Seen)>,
    reads: usize,
}

impl Views {
    pub(super) fn remember(&mut self, id: RequestId, seen: Seen, reads: Reads) {
        if reads.len() > READS_MAX / 4 || self.remembered.contains_key(&(id, seen)) {
            return;
        }
        self.reads += reads.len().max(1);
        self.order.push_back((id, seen));
        self.remembered.insert((id, seen), reads);
        while self.reads > READS_MAX {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(reads) = self.remembered.remove(&oldest) {
                self.reads = self.reads.saturating_sub(reads.len().max(1));
            }
        }
    }

    pub(super) fn find(&self, id: RequestId, seen: Seen) -> Option<Reads> {
        self.remembered.get(&(id, seen)).map(Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::READS_MAX;
    use super::Views;
    use crate::app::seen::token::Seen;
    use crate::app::seen::token::Short;
    use crate::decision::facts::ReadKey;
    use crate::store::command::RequestId;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut views = Views::default();
        let id = RequestId(uuid::Uuid::nil());
        let seen = |applied| Seen {
            applied,
            generation: 1,
            stands: Short([0; 8]),
            facts: Short([0; 8]),
            judged: Short([0; 8]),
        };
        let many = Arc::new(vec![
            (ReadKey::Number("+1".to_owned()), None);
            READS_MAX / 4
        ]);
        for applied in 0..6 {
            views.remember(id, seen(applied), Arc::clone(&many));
        }
        let left: Vec<u64> = (0..6)
            .filter(|applied| views.find(id, seen(*applied)).is_some())
            .collect();
        assert_eq!(left, [2, 3, 4, 5]);
        let too_many = Arc::new(vec![(ReadKey::Number("+1".to_owned()), None); READS_MAX]);
        views.remember(id, seen(9), too_many);
        assert!(views.find(id, seen(9)).is_none() && views.find(id, seen(5)).is_some());
    }
}
