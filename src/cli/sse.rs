//! Server-sent events as they come over a connection: as much of the format as a reader needs.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SentEvent {
    /// The last id that was told, with this event or before it.
    pub(super) id: String,
    /// Its data; empty where only the place is told.
    pub(super) data: String,
}

/// Puts events together from what arrives, wherever it is cut.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    after_return: bool,
    id: String,
    data: Option<String>,
    has_place: bool,
}

impl Reader {
    /// Takes in what arrived; the events that are complete by it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<SentEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            let is_second = std::mem::take(&mut self.after_return) && *byte == b'\n';
            match byte {
                b'\n' if is_second => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.line(&String::from_utf8_lossy(&line)));
                }
                other => self.line.push(*other),
            }
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<SentEvent> {
        if line.is_empty() {
            let data = self.data.take();
            let has_place = std::mem::take(&mut self.has_place);
            return (data.is_some() || has_place).then(|| SentEvent {
                id: self.id.clone(),
                data: data.unwrap_or_default(),
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => {
                value.clone_into(&mut self.id);
                self.has_place = true;
            }
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments, and what this reader has no use for.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;
    use super::SentEvent;

    const STREAM: &str = "retry: 3000\n\n: comment\nid: 7@log\nevent: request.submitted\ndata: {\"a\":\r\ndata: 1}\r\n\r\n\
                          id: 9@log\n: only a place\n\ndata:x\n\n";

    fn event(id: &str, data: &str) -> SentEvent {
        SentEvent {
            id: id.to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn events_come_whole_wherever_the_bytes_are_cut() {
        let expected = [
            event("7@log", "{\"a\":\n1}"),
            event("9@log", ""),
            event("9@log", "x"),
        ];
        for size in 1..STREAM.len() {
            let mut reader = Reader::default();
            let chunks = STREAM.as_bytes().chunks(size);
            let events: Vec<SentEvent> = chunks.flat_map(|chunk| reader.take(chunk)).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_complete_is_no_event() {
        let mut reader = Reader::default();
        assert_eq!(reader.take(b"id: 1\ndata: half\n"), []);
    }
}
