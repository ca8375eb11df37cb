use super::NOTE_MAX;
use super::Note;
use super::PartnerText;
use super::REASON_MAX;
use crate::policy::annotation::AnnotationError;

fn reason(text: &str) -> Result<PartnerText, AnnotationError> {
    text.parse()
}

#[test]
fn a_sentence_is_a_reason() {
    for text in [
        "The agreement is not in force.",
        "At most 12 members at once, please; \"more\" takes a person (four hours).",
        "Grenzüberschreitende Hilfe: ein Mensch entscheidet.",
        "n\u{e3}o",
    ] {
        assert_eq!(reason(text).unwrap().as_str(), text);
    }
}

#[test]
fn what_names_something_of_ours_is_no_reason() {
    for (text, word) in [
        (
            "Ask sip:control.3@mc.nl.example first.",
            "sip:control.3@mc.nl.example",
        ),
        ("Ask control@mc.nl.example.", "control@mc.nl.example"),
        ("Only mc.nl.example may.", "mc.nl.example"),
        (
            "Refused by membership.group-partner.",
            "membership.group-partner",
        ),
        (
            "See https://mc.de.example/rules",
            "https://mc.de.example/rules",
        ),
        ("No MCX::User may.", "MCX::User"),
        ("Call +4915112345.", "+4915112345"),
        ("Read group_partner.", "group_partner"),
        ("Under (membership.x#hold).", "membership.x#hold"),
    ] {
        assert_eq!(
            reason(text),
            Err(AnnotationError::Identifier(word.to_owned())),
            "{text}"
        );
    }
}

#[test]
fn a_text_is_one_printable_line_of_bounded_length() {
    let longest = "ä".repeat(REASON_MAX);
    assert!(reason(&longest).is_ok());
    assert_eq!(
        reason(&format!("{longest}a")),
        Err(AnnotationError::Length {
            count: REASON_MAX + 1,
            most: REASON_MAX
        })
    );
    assert!(matches!(reason(""), Err(AnnotationError::Length { .. })));
    for text in [
        "two\nlines",
        " ahead",
        "behind ",
        "bell\u{7}",
        "turned \u{202e}round",
    ] {
        assert_eq!(reason(text), Err(AnnotationError::NotPrintable), "{text:?}");
        assert!(text.parse::<Note>().is_err(), "{text:?}");
    }
    assert!("n".repeat(NOTE_MAX).parse::<Note>().is_ok());
    assert!("n".repeat(NOTE_MAX + 1).parse::<Note>().is_err());
}

#[test]
fn a_note_may_name_what_is_ours() {
    let text = "look at `membership.group-partner` and sip:control.3@mc.nl.example";
    assert_eq!(text.parse::<Note>().unwrap().as_str(), text);
}
