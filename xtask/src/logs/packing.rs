//! Packs a log, and the copy of this program that decodes one and does nothing with the text.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::Path;

use emp_ops::io::read::decode::{self, Packing};

use crate::Outcome;

/// The first argument of the copy.
pub(crate) const DECODE: &str = "decode";

/// The copy's side.
pub(crate) fn decode(path: &str) -> Outcome {
    let failed = |e: io::Error| format!("cannot decode {path}: {e}");
    let mut file = File::open(path).map_err(failed)?;
    let mut head = vec![0; decode::HEAD];
    let len = file.read(&mut head).map_err(failed)?;
    let packing = decode::packing(&head[..len]).map_err(str::to_owned)?;
    let mut text = decode::unpack(File::open(path).map_err(failed)?, packing).map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    while text.read(&mut buffer).map_err(failed)? > 0 {}
    Ok(())
}

/// Writes a file packed.
pub(super) fn pack(from: &Path, to: &Path, packing: Packing) -> io::Result<()> {
    let mut from = File::open(from)?;
    let to = BufWriter::new(File::create(to)?);
    let end: Result<_, _> = match packing {
        Packing::Gz => {
            let mut packer = flate2::write::GzEncoder::new(to, flate2::Compression::default());
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Zst => {
            let mut packer = zstd::Encoder::new(to, 3)?;
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Xz => {
            let mut packer = xz2::write::XzEncoder::new(to, 1);
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Bz2 => {
            let mut packer = bzip2::write::BzEncoder::new(to, bzip2::Compression::fast());
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Plain => return Ok(()),
    };
    end?.flush()
}
