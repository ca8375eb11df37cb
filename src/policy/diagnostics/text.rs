//! A text that is spoken of by lines and columns.

use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::policy::diagnostics::Place;

/// A text with its name; knows lines and columns.
#[derive(Clone, Debug)]
pub(crate) struct SourceText {
    path: PathBuf,
    text: Arc<str>,
    /// The byte with which each line after the first begins, so that a place costs no walk through the whole text.
    line_starts: Arc<[usize]>,
}

impl SourceText {
    pub(crate) fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            line_starts: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The place of a range of bytes; a range beyond the text ends with it.
    pub(crate) fn place(&self, range: Range<usize>) -> Place {
        let end = self.text.len();
        let offset = range.start.min(end);
        let lines_before = self.line_starts.partition_point(|start| *start <= offset);
        let line_start = match lines_before.checked_sub(1) {
            Some(last) => self.line_starts.get(last).copied().unwrap_or_default(),
            None => 0,
        };
        let before = self.text.get(line_start..offset).unwrap_or_default();
        Place {
            file: self.path.clone(),
            line: lines_before + 1,
            column: before.chars().count() + 1,
            offset,
            length: range.end.min(end).saturating_sub(offset),
        }
    }

    /// The place at a line and column in bytes, both from 1, as `serde_json` counts.
    pub(crate) fn place_at(&self, line: usize, column: usize) -> Place {
        let before: usize = self
            .text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let offset = before + column.saturating_sub(1);
        self.place(offset..offset + 1)
    }

    /// The place of the first occurrence of a word, else the start of the file.
    pub(crate) fn find(&self, word: &str) -> Place {
        self.text.find(word).map_or_else(
            || Place::start_of(&self.path),
            |at| self.place(at..at + word.len()),
        )
    }
}
