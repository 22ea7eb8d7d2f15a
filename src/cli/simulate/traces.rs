//! Files of recorded requests.

use std::io::Read;
use std::path::Path;

use super::super::Failure;
use crate::sim::Trace;

/// How gzip files begin.
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// Largest text that is taken in: a hundred bytes for each of five million requests. A small file may unpack to anything.
const MOST: u64 = 512 << 20;

/// Reads a trace, unpacked if it is packed.
pub(super) fn read(path: &Path) -> Result<Trace, Failure> {
    let place = path.display();
    let cannot =
        |error: std::io::Error| Failure::Told(format!("cannot read the trace {place}: {error}"));
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.starts_with(&GZIP) {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .take(MOST + 1)
            .read_to_end(&mut unpacked)
            .map_err(cannot)?;
        bytes = unpacked;
    }
    if bytes.len() as u64 > MOST {
        return Err(Failure::Told(format!(
            "{place}: expected at most {} MiB, found more",
            MOST >> 20
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::Told(format!("{place}: expected UTF-8, {error}")))?;
    Trace::read(&text).map_err(|error| Failure::Told(format!("{place}: {error}")))
}
