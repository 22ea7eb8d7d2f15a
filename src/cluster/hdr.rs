//! Histograms as HdrHistogram's other implementations write them: V2, compressed.
//!
//! Written by hand: what the library reads takes its size from the text, and texts from the engine are anybody's. Here a
//! histogram has this program's bounds or is refused. Format: 40 bytes of header, then the count of each bucket in order
//! up to the last that has one, as zigzag LEB128, a negative count standing for so many empty buckets; all of it behind
//! eight bytes, compressed with zlib.
//! Source: <https://github.com/HdrHistogram/HdrHistogram/blob/master/src/main/java/org/HdrHistogram/AbstractHistogram.java>
//! (`encodeIntoByteBuffer`), 2026-11-29.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hdrhistogram::Histogram;

use crate::live::{DIGITS, LEAST, MOST, empty_histogram};

/// What each form begins with.
const PLAIN: u32 = 0x1c84_9313;
const COMPRESSED: u32 = 0x1c84_9314;
/// Bytes of the header.
const HEADER: usize = 40;
/// Most bytes of a histogram, inflated: each of some 2,300 buckets with a count of five bytes.
const LARGEST: usize = HEADER + 5 * 4_096;

/// `histogram` as text; `None` where it has other bounds than [`empty_histogram`]'s.
pub(super) fn encoded(histogram: &Histogram<u32>) -> Option<Vec<u8>> {
    let counts = counts(histogram);
    let mut plain = Vec::with_capacity(HEADER + counts.len());
    plain.extend(PLAIN.to_be_bytes());
    plain.extend(u32::try_from(counts.len()).ok()?.to_be_bytes());
    plain.extend(0_u32.to_be_bytes());
    plain.extend(u32::from(histogram.sigfig()).to_be_bytes());
    plain.extend(histogram.low().to_be_bytes());
    plain.extend(histogram.high().to_be_bytes());
    plain.extend(1.0_f64.to_be_bytes());
    plain.extend(counts);
    let mut packed = Vec::new();
    packed.extend(COMPRESSED.to_be_bytes());
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain).ok()?;
    let body = encoder.finish().ok()?;
    packed.extend(u32::try_from(body.len()).ok()?.to_be_bytes());
    packed.extend(body);
    Some(packed)
}

/// The histogram that `packed` is; `None` if it is none, or one of other bounds.
pub(super) fn decoded(packed: &[u8]) -> Option<Histogram<u32>> {
    let (cookie, rest) = packed.split_first_chunk()?;
    let (length, body) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if u32::from_be_bytes(*cookie) != COMPRESSED || length != body.len() {
        return None;
    }
    let mut plain = Vec::new();
    let most = u64::try_from(LARGEST).ok()?;
    let inflated = ZlibDecoder::new(body).take(most + 1);
    let taken = { inflated }.read_to_end(&mut plain).ok()?;
    if taken > LARGEST {
        return None;
    }
    let (header, counts) = plain.split_at_checked(HEADER)?;
    let mut expected = Vec::with_capacity(HEADER);
    expected.extend(PLAIN.to_be_bytes());
    expected.extend(u32::try_from(counts.len()).ok()?.to_be_bytes());
    expected.extend(0_u32.to_be_bytes());
    expected.extend(u32::from(DIGITS).to_be_bytes());
    expected.extend(LEAST.to_be_bytes());
    expected.extend(MOST.to_be_bytes());
    expected.extend(1.0_f64.to_be_bytes());
    if header != expected {
        return None;
    }
    filled(counts)
}

/// The counts of all buckets up to the last that has one.
fn counts(histogram: &Histogram<u32>) -> Vec<u8> {
    let (mut bytes, mut empty) = (Vec::new(), 0_i64);
    for bucket in histogram.iter_all() {
        let count = i64::from(bucket.count_at_value());
        if count == 0 {
            empty += 1;
            continue;
        }
        match std::mem::take(&mut empty) {
            0 => {}
            // As the library of the format writes it: one empty bucket is a count of nothing.
            1 => put(&mut bytes, 0),
            many => put(&mut bytes, -many),
        }
        put(&mut bytes, count);
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// The next number of `bytes`, which it is taken from. None of ours is longer than five bytes.
fn take(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for place in 0..5 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let half = (value >> 1).cast_signed();
            return Some(if value & 1 == 0 { half } else { -half - 1 });
        }
    }
    None
}

fn filled(mut counts: &[u8]) -> Option<Histogram<u32>> {
    let mut histogram = empty_histogram()?;
    let values: Vec<u64> = histogram
        .iter_all()
        .map(|bucket| bucket.value_iterated_to())
        .collect();
    let mut place = 0_usize;
    while !counts.is_empty() {
        let count = take(&mut counts)?;
        if count < 0 {
            let empty = usize::try_from(count.unsigned_abs()).ok()?;
            place = place.checked_add(empty)?;
            continue;
        }
        let value = values.get(place)?;
        if count > 0 {
            let count = u32::try_from(count).ok()?;
            histogram.record_n(*value, count).ok()?;
        }
        place += 1;
    }
    (place <= values.len()).then_some(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[(u64, u32)]) -> Histogram<u32> {
        let mut histogram = empty_histogram().unwrap();
        for (value, count) in values {
            histogram.record_n(*value, *count).unwrap();
        }
        histogram
    }

    #[test]
    fn a_histogram_comes_back_as_it_was() {
        for values in [
            &[][..],
            &[(LEAST, 1)],
            &[(MOST, u32::MAX)],
            &[
                (12, 3),
                (13, 1),
                (15, 2),
                (999, 70),
                (30_000_000, 5),
                (MOST, 1),
            ],
        ] {
            let histogram = some(values);
            let packed = encoded(&histogram).unwrap();
            let back = decoded(&packed).unwrap();
            assert_eq!(back, histogram, "{values:?}");
            assert_eq!(back.max(), histogram.max());
        }
        let all: Vec<(u64, u32)> = (0..2_000).map(|i| (10 + i * i * 37, 1)).collect();
        let histogram = some(&all);
        let packed = encoded(&histogram).unwrap();
        assert_eq!(decoded(&packed).unwrap(), histogram);
        assert!(packed.len() < 2_000, "{} bytes", packed.len());
    }

    #[test]
    fn what_is_no_histogram_of_ours_is_refused() {
        let packed = encoded(&some(&[(12, 3), (999, 70)])).unwrap();
        for cut in 0..packed.len() {
            assert!(decoded(&packed[..cut]).is_none(), "cut at {cut}");
        }
        for place in 0..8 {
            let mut broken = packed.clone();
            broken[place] ^= 1;
            assert!(decoded(&broken).is_none(), "byte {place}");
        }
        let mut wide = Histogram::<u32>::new_with_bounds(1, u64::MAX, 3).unwrap();
        wide.record(5).unwrap();
        assert!(decoded(&encoded(&wide).unwrap()).is_none(), "other bounds");
    }

    #[test]
    fn counts_beyond_the_last_bucket_are_refused() {
        let mut bytes = Vec::new();
        put(&mut bytes, -1_000_000);
        assert!(filled(&bytes).is_none());
        put(&mut bytes, 5);
        assert!(filled(&bytes).is_none());
        assert!(filled(&[0xff; 9]).is_none(), "a number without an end");
    }

    /// As HdrHistogram's own library for Rust wrote it (7.6.0, `V2Serializer` and `V2DeflateSerializer`): bounds of 10 and
    /// 600,000,000, two digits, one value of 10 and two of 1,000.
    const REFERENCE: [&str; 2] = [
        "1c849313000000050000000000000002000000000000000a0000000023c346003ff00000000000000002f50104",
        "1c84931400000023789c9369992cccc0c0c0ca00014c509a0b44281f7663b0ff0093f9cac802005d6b04af",
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }

    #[test]
    fn it_is_the_format_of_the_others() {
        let histogram = some(&[(10, 1), (1_000, 2)]);
        let packed = encoded(&histogram).unwrap();
        let mut plain = Vec::new();
        ZlibDecoder::new(&packed[8..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, bytes(REFERENCE[0]));
        assert_eq!(decoded(&bytes(REFERENCE[1])).unwrap(), histogram);
    }
}
