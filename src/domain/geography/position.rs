//! Positions on the WGS 84 ellipsoid, and distances over it.

use serde::Deserialize;
use serde::Serialize;

const UNITS_A_DEGREE: f64 = 10_000_000.0;
const MILLIMETRES_A_METRE: f64 = 1_000.0;

/// Why a number is not what its place in a position or shape asks for.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidMeasure {
    /// North and south end at the poles.
    #[error("`{0}` is not a latitude: -90 to 90 degrees, north positive")]
    Latitude(f64),
    /// East and west meet at 180 degrees.
    #[error("`{0}` is not a longitude: -180 to 180 degrees, east positive")]
    Longitude(f64),
    /// Longer than any uncertainty that TS 23.032 can code.
    #[error("`{0}` is not a distance: 0 to 1806628 metres")]
    Distance(f64),
    /// Outside of what TS 23.032 clause 6.3 can code.
    #[error("`{0}` is not an altitude: -32767 to 32767 metres")]
    Altitude(f64),
    /// Not a percentage.
    #[error("`{0}` is not a confidence: a whole number from 0 to 100")]
    Confidence(u16),
}

macro_rules! degrees {
    ($(#[$doc:meta])* $name:ident, $limit:literal) => {
        $(#[$doc])*
        ///
        /// Kept in ten-millionths of a degree (11 mm at most), so that a value written down and read again is the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(i32);

        impl $name {
            /// The value, rounded to the resolution, if it is within range.
            pub fn from_degrees(degrees: f64) -> Result<Self, InvalidMeasure> {
                if !(-$limit..=$limit).contains(&degrees) {
                    return Err(InvalidMeasure::$name(degrees));
                }
                #[expect(clippy::cast_possible_truncation, reason = "the range was checked and fits")]
                let units = (degrees * UNITS_A_DEGREE).round() as i32;
                Ok(Self(units))
            }

            /// Degrees.
            pub fn degrees(self) -> f64 {
                f64::from(self.0) / UNITS_A_DEGREE
            }
        }

        impl TryFrom<f64> for $name {
            type Error = InvalidMeasure;

            fn try_from(degrees: f64) -> Result<Self, Self::Error> {
                Self::from_degrees(degrees)
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> Self {
                value.degrees()
            }
        }
    };
}

degrees! {
    /// A geodetic latitude, north positive.
    Latitude, 90.0
}

degrees! {
    /// A longitude, east positive; -180 and 180 degrees are the same meridian.
    Longitude, 180.0
}

/// An ellipsoid point (TS 23.032 clause 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The geodetic latitude.
    pub latitude: Latitude,
    /// The longitude.
    pub longitude: Longitude,
}

impl Position {
    /// The position at these degrees.
    pub fn from_degrees(latitude: f64, longitude: f64) -> Result<Self, InvalidMeasure> {
        Ok(Self {
            latitude: Latitude::from_degrees(latitude)?,
            longitude: Longitude::from_degrees(longitude)?,
        })
    }

    /// The same, as the geometry crate takes it: longitude first.
    pub(super) fn point(self) -> geo::Point {
        geo::Point::new(self.longitude.degrees(), self.latitude.degrees())
    }
}

/// A distance over the ellipsoid, to the millimetre; up to the largest uncertainty of TS 23.032 clause 6.2.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(try_from = "f64", into = "f64")]
pub struct Distance(u32);

impl Distance {
    /// The largest distance, in metres: the uncertainty that code 127 stands for, rounded up.
    pub const METRES_MAX: f64 = 1_806_628.0;

    /// The distance, rounded to the millimetre, if it is within range.
    pub fn from_metres(metres: f64) -> Result<Self, InvalidMeasure> {
        if !(0.0..=Self::METRES_MAX).contains(&metres) {
            return Err(InvalidMeasure::Distance(metres));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked and fits"
        )]
        let millimetres = (metres * MILLIMETRES_A_METRE).round() as u32;
        Ok(Self(millimetres))
    }

    /// Metres.
    pub fn metres(self) -> f64 {
        f64::from(self.0) / MILLIMETRES_A_METRE
    }
}

impl TryFrom<f64> for Distance {
    type Error = InvalidMeasure;

    fn try_from(metres: f64) -> Result<Self, Self::Error> {
        Self::from_metres(metres)
    }
}

impl From<Distance> for f64 {
    fn from(distance: Distance) -> Self {
        distance.metres()
    }
}
