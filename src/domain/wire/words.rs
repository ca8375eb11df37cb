//! Words of the vocabulary in a request.

use super::element::Element;
use super::element::Members;
use crate::domain::agreement::DisclosureKind;
use crate::domain::credential::Credential;
use crate::domain::partner_keys::NAME_BYTES_MAX;
use crate::domain::service::McService;

/// The longest token that is read; a longer one is no token of ours to verify.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A security token, of which nothing is ever repeated, and where it was presented.
pub(in crate::domain) fn presented_token(
    members: &Members<'_>,
) -> (Option<Credential>, Option<String>) {
    let token = members
        .optional("token")
        .and_then(|token| token.bounded_text(TOKEN_BYTES_MAX));
    let presented_at = members
        .optional("presented_at")
        .and_then(|address| address.bounded_text(NAME_BYTES_MAX));
    (token.map(Credential::Clear), presented_at)
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
