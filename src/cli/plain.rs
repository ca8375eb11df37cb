//! Text of others on a terminal: what would steer it is written out.

/// A text in one line and without control characters, bidirectional ones too.
pub(super) fn plain(text: &str) -> String {
    let steers = |character: char| {
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            plain.extend(character.escape_debug());
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn only_what_steers_a_terminal_is_changed() {
        assert_eq!(plain("sip:jörg@mc.de.example"), "sip:jörg@mc.de.example");
        assert_eq!(plain("a\nb\t\u{1b}[31m"), "a\\nb\\t\\u{1b}[31m");
        assert_eq!(plain("\u{202e}evil"), "\\u{202e}evil");
    }
}
