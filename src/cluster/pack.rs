//! What travels: JSON, deflated; and hashes, whose fields are texts.
//!
//! What comes from the engine is anybody's who can write there: both sizes are bounded before anything is made of it.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes of a value as it stands in the engine, and as a text. A report of fifty upstreams takes some 10 KiB and 40 KiB,
/// a memory some 100 KiB and a megabyte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) packed: usize,
    pub(super) text: u64,
}

/// Of a report: what a thousand upstreams take.
pub(super) const REPORT: Bounds = Bounds {
    packed: 512 << 10,
    text: 4 << 20,
};
/// Of a memory.
pub(super) const MEMORY: Bounds = Bounds {
    packed: 4 << 20,
    text: 32 << 20,
};

/// Why a value is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackError {
    #[error("{found} bytes, and at most {most} are taken")]
    Large { found: u64, most: u64 },
    #[error("it cannot be inflated: {0}")]
    Deflate(#[from] std::io::Error),
    #[error("it is no such document: {0}")]
    Json(#[from] serde_json::Error),
}

/// `value` as it is put into the engine.
pub(super) fn pack<T: Serialize>(value: &T, bounds: Bounds) -> Result<Vec<u8>, PackError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let text = serde_json::to_vec(value)?;
    encoder.write_all(&text)?;
    let packed = encoder.finish()?;
    if packed.len() > bounds.packed || text.len() as u64 > bounds.text {
        return Err(too_large(packed.len() as u64, bounds.packed as u64));
    }
    Ok(packed)
}

/// What `packed` holds.
pub(super) fn unpack<T: DeserializeOwned>(packed: &[u8], bounds: Bounds) -> Result<T, PackError> {
    if packed.len() > bounds.packed {
        return Err(too_large(packed.len() as u64, bounds.packed as u64));
    }
    let mut text = Vec::new();
    let taken = DeflateDecoder::new(packed)
        .take(bounds.text + 1)
        .read_to_end(&mut text)?;
    if taken as u64 > bounds.text {
        return Err(too_large(taken as u64, bounds.text));
    }
    Ok(serde_json::from_slice(&text)?)
}

const fn too_large(found: u64, most: u64) -> PackError {
    PackError::Large { found, most }
}

/// A hash of the engine as it stands there.
pub(super) type Raw = Vec<(Vec<u8>, Vec<u8>)>;

/// What of it is text: the rest is none of ours.
pub(super) fn texts(raw: Raw) -> BTreeMap<String, String> {
    let text = |bytes| String::from_utf8(bytes).ok();
    let texts = raw.into_iter();
    texts
        .filter_map(|(field, value)| Some((text(field)?, text(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Bounds = Bounds {
        packed: 1_000,
        text: 10_000,
    };

    #[test]
    fn what_is_packed_comes_out_again_and_anything_else_is_refused() {
        let value = vec![1_u32, 2, 3];
        let packed = pack(&value, SMALL).unwrap();
        assert_eq!(unpack::<Vec<u32>>(&packed, SMALL).unwrap(), value);
        for cut in 0..packed.len() {
            assert!(unpack::<Vec<u32>>(&packed[..cut], SMALL).is_err(), "{cut}");
        }
        assert!(unpack::<Vec<u32>>(b"no deflate at all", SMALL).is_err());
        assert!(unpack::<String>(&packed, SMALL).is_err(), "another form");
    }

    #[test]
    fn a_small_value_that_inflates_without_end_is_refused() {
        let zeros = vec![0_u8; 1 << 20];
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&zeros).unwrap();
        let bomb = encoder.finish().unwrap();
        let small = Bounds {
            packed: bomb.len(),
            text: 10_000,
        };
        let refused = unpack::<Vec<u32>>(&bomb, small).unwrap_err();
        assert!(matches!(refused, PackError::Large { found: 10_001, .. }));
        let large = vec![b'a'; 1_001];
        assert!(matches!(
            unpack::<Vec<u32>>(&large, SMALL),
            Err(PackError::Large { found: 1_001, .. })
        ));
    }
}
