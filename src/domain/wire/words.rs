//! Words of the vocabulary in a request.

use super::element::Element;
use crate::domain::agreement::DisclosureKind;
use crate::domain::credential::Credential;
use crate::domain::service::McService;

/// The longest token that is read; a longer one is no token of ours to verify.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A security token, of which nothing is ever repeated.
pub(in crate::domain) fn credential(element: &Element<'_>) -> Option<Credential> {
    element.bounded_text(TOKEN_BYTES_MAX).map(Credential::Clear)
}

/// An MC service.
pub(in crate::domain) fn service(element: &Element<'_>) -> Option<McService> {
    element.word("an MC service", &McService::ALL.map(|s| (s.as_str(), s)))
}

/// MC services, none of them twice.
pub(in crate::domain) fn services(element: &Element<'_>) -> Option<Vec<McService>> {
    let mut services = Vec::new();
    for element in element.list(McService::ALL.len())? {
        match service(&element) {
            Some(repeated) if services.contains(&repeated) => {
                element.refuse(format!("names `{repeated}` again"));
            }
            Some(service) => services.push(service),
            None => {}
        }
    }
    Some(services)
}

/// A kind of information.
pub(in crate::domain) fn disclosure_kind(element: &Element<'_>) -> Option<DisclosureKind> {
    let words = DisclosureKind::ALL.map(|kind| (kind.as_str(), kind));
    element.word("a kind of information", &words)
}
