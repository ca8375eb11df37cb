//! `docs/credentials.md` says every word with which a token is refused, in the order of the checks.

use comity::domain::partner_keys::SignatureAlgorithm;
use comity::domain::service::McService;
use comity::identity::security_token::Claim;
use comity::identity::security_token::TokenError;

#[test]
fn the_words_of_the_page_are_those_of_the_code() {
    let page = include_str!("../../../docs/credentials.md");
    let (_, checks) = page.split_once("## What is checked").unwrap();
    let documented: Vec<&str> = checks
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(word, _)| word)
        .collect();
    let words: Vec<&str> = every_error().into_iter().map(TokenError::word).collect();
    assert_eq!(documented, words);
}

fn every_error() -> Vec<TokenError> {
    let first = TokenError::TooLong;
    std::iter::successors(Some(first), |error| next(*error)).collect()
}

/// The refusal that follows; a new one does not compile until it has its place.
fn next(error: TokenError) -> Option<TokenError> {
    Some(match error {
        TokenError::TooLong => TokenError::Form,
        TokenError::Form => TokenError::Header,
        TokenError::Header => TokenError::HeaderAmbiguous,
        TokenError::HeaderAmbiguous => TokenError::CriticalExtension,
        TokenError::CriticalExtension => TokenError::Type,
        TokenError::Type => TokenError::Unsigned,
        TokenError::Unsigned => TokenError::SymmetricAlgorithm,
        TokenError::SymmetricAlgorithm => TokenError::KeyIdMissing,
        TokenError::KeyIdMissing => TokenError::KeyUnknown,
        TokenError::KeyUnknown => TokenError::AlgorithmMismatch(SignatureAlgorithm::Rs256),
        TokenError::AlgorithmMismatch(_) => TokenError::KeyNotYetValid,
        TokenError::KeyNotYetValid => TokenError::KeyExpired,
        TokenError::KeyExpired => TokenError::KeyUnusable,
        TokenError::KeyUnusable => TokenError::Signature,
        TokenError::Signature => TokenError::Payload,
        TokenError::Payload => TokenError::PayloadAmbiguous,
        TokenError::PayloadAmbiguous => TokenError::ClaimMissing(Claim::Iss),
        TokenError::ClaimMissing(_) => TokenError::ClaimMalformed(Claim::Iss),
        TokenError::ClaimMalformed(_) => TokenError::Issuer,
        TokenError::Issuer => TokenError::AudienceNotAgreed,
        TokenError::AudienceNotAgreed => TokenError::Audience,
        TokenError::Audience => TokenError::AudienceShared,
        TokenError::AudienceShared => TokenError::ExpiresBeforeIssue,
        TokenError::ExpiresBeforeIssue => TokenError::IssuedInFuture,
        TokenError::IssuedInFuture => TokenError::NotYetValid,
        TokenError::NotYetValid => TokenError::Expired,
        TokenError::Expired => TokenError::IdentityElsewhere(McService::Mcptt),
        TokenError::IdentityElsewhere(_) => return None,
    })
}
