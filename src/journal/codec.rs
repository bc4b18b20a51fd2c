//! How bodies are kept: one byte that says how, then the bytes. Compressed with a dictionary that ships with the program,
//! trained on synthetic envelopes alone, so that it holds nobody's name.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// The dictionary of [`WITH_DICTIONARY_1`]. It can never change; a better one takes the next number. How one is trained
/// stands in `tests/vocabulary/dictionary.rs`.
static DICTIONARY_1: &[u8] = include_bytes!("dictionary-1.zstd");

/// The bytes follow as they came.
const RAW: u8 = 0;
/// Zstandard with [`DICTIONARY_1`].
const WITH_DICTIONARY_1: u8 = 1;

/// Fast enough for the request's own thread; higher levels gain little on bodies of 2 KB.
const LEVEL: i32 = 1;

/// Larger than any body that is let in; bounds what damaged bytes can ask for.
const LARGEST: usize = 64 << 20;

/// The length of the body stands before the compressed bytes, so that unpacking asks for no more room than it needs.
const LENGTH: usize = size_of::<u32>();

/// Why stored bytes cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("the body is empty")]
    Empty,
    #[error("the body is kept in form {0}, which this version does not know")]
    UnknownForm(u8),
    #[error("the body cannot be decompressed: {0}")]
    Damaged(#[from] io::Error),
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs a body.
#[must_use]
pub fn encode(body: &[u8]) -> Vec<u8> {
    match (compress(body), u32::try_from(body.len())) {
        (Ok(packed), Ok(length)) if packed.len() + LENGTH < body.len() => {
            [&[WITH_DICTIONARY_1][..], &length.to_le_bytes(), &packed].concat()
        }
        _ => [&[RAW][..], body].concat(),
    }
}

fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::with_dictionary(LEVEL, DICTIONARY_1)?),
        };
        compressor.compress(body)
    })
}

/// How long a body is once it is unpacked, in bytes, as far as its own header tells.
#[must_use]
pub fn length(kept: &[u8]) -> usize {
    match kept.split_first() {
        Some((&WITH_DICTIONARY_1, bytes)) => {
            bytes.first_chunk::<LENGTH>().map_or(0, |length| u32::from_le_bytes(*length) as usize)
        }
        _ => kept.len(),
    }
}

/// Unpacks what [`encode`] packed.
///
/// # Errors
/// When the bytes are damaged or of a newer version.
pub fn decode(kept: &[u8]) -> Result<Vec<u8>, CodecError> {
    let (form, bytes) = kept.split_first().ok_or(CodecError::Empty)?;
    match *form {
        RAW => Ok(bytes.to_vec()),
        WITH_DICTIONARY_1 => DECOMPRESSOR.with_borrow_mut(|slot| {
            let (length, bytes) = bytes.split_first_chunk::<LENGTH>().ok_or(CodecError::Empty)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(LARGEST).min(LARGEST);
            let decompressor = match slot {
                Some(decompressor) => decompressor,
                None => slot.insert(Decompressor::with_dictionary(DICTIONARY_1)?),
            };
            Ok(decompressor.decompress(bytes, length)?)
        }),
        other => Err(CodecError::UnknownForm(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Timestamp;
    use crate::simulate::{Fleet, Plan};

    #[test]
    fn what_is_packed_comes_back_and_takes_less_room() {
        let plan = Plan { seed: 1, devices: 50, days: 1, begin: Timestamp(1_767_614_400_000) };
        for body in Fleet::new(plan).webhooks().map(|webhook| webhook.body) {
            let packed = encode(&body);
            assert_eq!(decode(&packed).unwrap(), body);
            assert!(packed.len() < body.len());
        }
    }

    #[test]
    fn any_bytes_come_back_and_damaged_ones_are_an_error() {
        for body in [&b""[..], b"x", &[0, 255, 7], "ünïcode".as_bytes()] {
            assert_eq!(decode(&encode(body)).unwrap(), body);
        }
        assert!(matches!(decode(b""), Err(CodecError::Empty)));
        assert!(matches!(decode(&[9, 1, 2]), Err(CodecError::UnknownForm(9))));
        assert!(decode(&[WITH_DICTIONARY_1, 1, 2, 3]).is_err());
    }
}
