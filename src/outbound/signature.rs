//! Signatures of webhooks, by the Standard Webhooks specification: HMAC-SHA256 over id, time stamp and body.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret has, by the specification.
const SHORTEST: usize = 24;
const LONGEST: usize = 64;

/// A secret that sender and receiver share.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// A text that is no secret; it is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no secret: `whsec_` and {SHORTEST} to {LONGEST} bytes in base64")]
pub struct InvalidSecret;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = BASE64.decode(encoded.as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_| InvalidSecret)?);
        if (SHORTEST..=LONGEST).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(InvalidSecret)
        }
    }
}

/// The header `webhook-signature`: a signature under each secret, so that one can take the place of another.
pub fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let signed = secrets.iter().map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        let signature = BASE64.encode(&mac.finalize().into_bytes());
        Some(format!("v1,{signature}"))
    });
    let signed: Option<Vec<String>> = signed.collect();
    Some(signed?.join(" ")).filter(|header| !header.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Secret;
    use super::signatures;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    /// The example of the specification's reference implementations.
    #[test]
    fn the_published_example_comes_out() {
        let body = br#"{"test": 2432232314}"#;
        let header = signatures(
            &[secret(SECRET)],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            body,
        );
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(header.as_deref(), Some(expected));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-",
        ] {
            let error = text.parse::<Secret>().unwrap_err();
            assert!(!error.to_string().contains("MfKQ"), "{text}");
        }
        let shown = format!("{:?}", secret(SECRET));
        assert_eq!(shown, "Secret(…)");
        assert_eq!(signatures(&[], "1", 1, b""), None);
    }

    proptest! {
        /// Another id, time, body or secret has another signature, and two secrets have one each.
        #[test]
        fn everything_that_is_signed_counts(
            one in vec(any::<u8>(), 24..64),
            other in vec(any::<u8>(), 24..64),
            body in vec(any::<u8>(), 0..64),
            time in 0_i64..4_000_000_000,
        ) {
            prop_assume!(one != other);
            let key = |bytes: &[u8]| secret(&format!("whsec_{}", data_encoding::BASE64.encode(bytes)));
            let (one, other) = (key(&one), key(&other));
            let sign = |secret: &Secret, id: &str, time, body: &[u8]| {
                signatures(std::slice::from_ref(secret), id, time, body).unwrap()
            };
            let signed = sign(&one, "1@a", time, &body);
            let mut longer = body.clone();
            longer.push(0);
            for different in [
                sign(&one, "1-1@a", time, &body),
                sign(&one, "1@a", time + 1, &body),
                sign(&one, "1@a", time, &longer),
                sign(&other, "1@a", time, &body),
            ] {
                prop_assert_ne!(&signed, &different);
            }
            let both = signatures(&[one, other.clone()], "1@a", time, &body).unwrap();
            let expected = format!("{signed} {}", sign(&other, "1@a", time, &body));
            prop_assert_eq!(both, expected);
        }
    }
}
