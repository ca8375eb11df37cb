//! Public keys as checked values: of a kind and a length that signatures may rest on.

use super::error::KeyProblem;

const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 8192;
const RSA_EXPONENT_MIN: u32 = 65_537;
const ED25519_BYTES: usize = 32;
const UNCOMPRESSED: u8 = 4;

/// A public key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA, 2048 to 8192 bits.
    Rsa(RsaPublicKey),
    /// A point of P-256 or P-384.
    Ec(EcPublicKey),
    /// A point of Ed25519.
    Ed25519(Ed25519PublicKey),
}

/// An RSA key: numbers in big-endian bytes without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl RsaPublicKey {
    /// The key of these two numbers.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyProblem> {
        let leading = modulus.first().copied().unwrap_or_default();
        if leading == 0 || exponent.first().copied().unwrap_or_default() == 0 {
            return Err(KeyProblem::LeadingZero);
        }
        let bits = modulus.len() * 8 - leading.leading_zeros() as usize;
        if bits < RSA_BITS_MIN {
            return Err(KeyProblem::RsaTooShort(bits));
        }
        if bits > RSA_BITS_MAX {
            return Err(KeyProblem::RsaTooLong(bits));
        }
        let is_even = |number: &[u8]| number.last().is_none_or(|last| last % 2 == 0);
        let small = exponent.len() <= size_of::<u32>()
            && exponent
                .iter()
                .fold(0_u32, |value, byte| (value << 8) | u32::from(*byte))
                >= RSA_EXPONENT_MIN;
        if is_even(modulus) || is_even(exponent) || !small {
            return Err(KeyProblem::RsaNumbers);
        }
        Ok(Self {
            modulus: modulus.to_owned(),
            exponent: exponent.to_owned(),
        })
    }

    /// The modulus `n`.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent `e`.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }
}

/// A curve of NIST on which signatures are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// P-256, secp256r1.
    P256,
    /// P-384, secp384r1.
    P384,
}

impl Curve {
    /// The JOSE name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// Bytes of one coordinate.
    pub fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// A point in its uncompressed form: the byte 4 and both coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcPublicKey {
    curve: Curve,
    point: Vec<u8>,
}

impl EcPublicKey {
    /// The key of an uncompressed point.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self, KeyProblem> {
        let whole = point.len() == 1 + 2 * curve.coordinate_bytes();
        if !whole || point.first() != Some(&UNCOMPRESSED) {
            return Err(KeyProblem::Point(curve.as_str()));
        }
        Ok(Self {
            curve,
            point: point.to_owned(),
        })
    }

    /// The key of two coordinates.
    pub fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyProblem> {
        if x.len() != y.len() {
            return Err(KeyProblem::Point(curve.as_str()));
        }
        Self::from_point(curve, &[&[UNCOMPRESSED], x, y].concat())
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The uncompressed point.
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// Both coordinates.
    pub fn coordinates(&self) -> (&[u8], &[u8]) {
        let coordinates = self.point.get(1..).unwrap_or_default();
        coordinates
            .split_at_checked(self.curve.coordinate_bytes())
            .unwrap_or_default()
    }
}

/// The 32 bytes of an Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519PublicKey([u8; ED25519_BYTES]);

impl Ed25519PublicKey {
    /// The key of these bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyProblem> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| KeyProblem::Point("Ed25519"))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
