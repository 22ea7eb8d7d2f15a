//! The digest of what a tick decided.

use std::fmt;
use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::balance::Stepped;

/// 64 bits over the text of all decisions and orders of a tick; written as sixteen hexadecimal digits.
///
/// FNV-1a: it has to tell two honest computations apart, not to withstand somebody who forges one. Two that differ have the
/// same digest once in 10¹⁹ times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(u64);

/// The digest of `stepped`.
pub fn digest(stepped: &Stepped) -> Digest {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    // The hash takes everything, and all that is written has text keys.
    drop(serde_json::to_writer(&mut hash, &stepped.decisions));
    drop(serde_json::to_writer(&mut hash, &stepped.orders));
    Digest(hash.0)
}

struct Hash(u64);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom)?;
        Ok(Self(digits))
    }
}
