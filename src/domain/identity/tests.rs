use proptest::prelude::*;

use super::InvalidSystemId;
use super::InvalidUri;
use super::McServiceId;
use super::McSystemId;
use super::McUri;
use super::PlmnId;

fn system(text: &str) -> Result<McSystemId, InvalidSystemId> {
    text.parse()
}

fn uri(text: &str) -> Result<McUri, InvalidUri> {
    text.parse()
}

#[test]
fn domains_compare_by_whole_labels_and_without_case() {
    assert_eq!(system("MC.NL.Example"), system("mc.nl.example"));
    assert_ne!(system("nl.example"), system("mc.nl.example"));
    assert_ne!(system("evilmc.nl.example"), system("mc.nl.example"));
}

#[test]
fn internationalised_names_are_normalised_once() {
    let unicode = system("feuerwehr-münchen.example").unwrap();
    let ascii = system("xn--feuerwehr-mnchen-tzb.example").unwrap();
    assert_eq!(unicode, ascii);
    assert_eq!(system(unicode.as_str()).unwrap(), unicode);
    assert_eq!(
        system("mc。nl.example").unwrap(),
        system("mc.nl.example").unwrap()
    );
}

#[test]
fn domain_tricks_are_refused() {
    for trick in [
        "mc.nl.example.",
        "mc%2enl.example",
        "mc..example",
        "",
        ".",
        "-mc.example",
        "mc_nl.example",
        "mc nl.example",
        "192.0.2.1",
        "mc.0x7f",
        "mc.nl.example/x",
        "mc.nl.example\u{0}",
        "xn--a.example",
    ] {
        assert!(system(trick).is_err(), "{trick:?} was taken");
    }
    assert_eq!(
        system("mc.nl.example."),
        Err(InvalidSystemId::TrailingDot("mc.nl.example.".to_owned()))
    );
}

#[test]
fn identities_name_their_home() {
    let officer: McServiceId = "SIP:officer.114@MC.nl.example".parse().unwrap();
    assert_eq!(officer.as_str(), "sip:officer.114@mc.nl.example");
    assert_eq!(officer.uri().domain().unwrap().as_str(), "mc.nl.example");
    assert_eq!(uri("sip:a@mc.example"), uri("sips:a@mc.example"));
    assert_eq!(
        uri("SIPS:a@mc.example").unwrap().as_str(),
        "sip:a@mc.example"
    );
    assert_ne!(uri("sip:A@mc.example"), uri("sip:a@mc.example"));
    let number = uri("tel:+31-(20)-123.4567").unwrap();
    assert_eq!(
        (number.as_str(), number.domain()),
        ("tel:+31201234567", None)
    );
}

#[test]
fn identity_tricks_are_refused() {
    for trick in [
        "officer@mc.example",
        "mailto:a@mc.example",
        "sip:mc.example",
        "sip:@mc.example",
        "sip:a@",
        "sip:a@b@mc.example",
        "sip:a%40x@mc.example",
        "sip:a@mc.example:5060",
        "sip:a@mc.example;lr",
        "sip:a:secret@mc.example",
        "sip:a@mc.example?x=y",
        "sip:ä@mc.example",
        "sip:a b@mc.example",
        "tel:0201234567",
        "tel:+",
        "tel:+31;ext=2",
        "tel:+1234567890123456",
        "sip:a@mc.example.",
        "sip: a@mc.example",
        "sip:a@mc.example ",
    ] {
        assert!(uri(trick).is_err(), "{trick:?} was taken");
    }
    assert!(uri(&format!("sip:{}@mc.example", "a".repeat(255))).is_err());
}

#[test]
fn network_codes_keep_their_digits() {
    assert_ne!("310-410".parse::<PlmnId>(), "310-41".parse::<PlmnId>());
    for wrong in ["20408", "204-8", "204-0812", "2O4-08", "204-08 "] {
        assert!(wrong.parse::<PlmnId>().is_err(), "{wrong:?} was taken");
    }
}

proptest! {
    #[test]
    fn normal_form_is_a_fixed_point(text in "(sips?|tel|SIP):[a-zA-Z0-9.@+%;_ü-]{1,30}") {
        if let Ok(parsed) = uri(&text) {
            prop_assert_eq!(uri(parsed.as_str()).unwrap(), parsed);
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,80}") {
        drop(uri(&text));
        drop(system(&text));
        drop(text.parse::<PlmnId>());
    }
}
