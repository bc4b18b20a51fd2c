//! How bodies are kept: one byte that says how, then the bytes. Compressed with a dictionary that ships with the program,
//! trained on synthetic envelopes alone, so that it holds nobody's name.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// The dictionary of [`WITH_DICTIONARY_1`]. It can never change; a better one takes the next number.
static DICTIONARY_1: &[u8] = include_bytes!("dictionary-1.zstd");

/// The bytes follow as they came.
const RAW: u8 = 0;
/// Zstandard with [`DICTIONARY_1`].
const WITH_DICTIONARY_1: u8 = 1;

/// Fast enough for the request's own thread; higher levels gain little on bodies of 2 KB.
const LEVEL: i32 = 1;

/// Larger than any body that is let in, with its bound on memory.
const LARGEST: usize = 64 << 20;

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
    match compress(body) {
        Ok(packed) if packed.len() < body.len() => tagged(WITH_DICTIONARY_1, &packed),
        _ => tagged(RAW, body),
    }
}

fn tagged(form: u8, bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len() + 1);
    all.push(form);
    all.extend_from_slice(bytes);
    all
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

/// Unpacks what [`encode`] packed.
///
/// # Errors
/// When the bytes are damaged or of a newer version.
pub fn decode(kept: &[u8]) -> Result<Vec<u8>, CodecError> {
    let (form, bytes) = kept.split_first().ok_or(CodecError::Empty)?;
    match *form {
        RAW => Ok(bytes.to_vec()),
        WITH_DICTIONARY_1 => DECOMPRESSOR.with_borrow_mut(|slot| {
            let decompressor = match slot {
                Some(decompressor) => decompressor,
                None => slot.insert(Decompressor::with_dictionary(DICTIONARY_1)?),
            };
            let size = Decompressor::upper_bound(bytes).unwrap_or(LARGEST).min(LARGEST);
            Ok(decompressor.decompress(bytes, size)?)
        }),
        other => Err(CodecError::UnknownForm(other)),
    }
}
