//! The cache through a descriptor: out to the process after us, in from the one before. Never longer than its deadline.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nodens_core::Shared;
use nodens_core::handover::{Imported, Importer, Refused};
use nodens_core::time::Moment;

use crate::error::Error;
use crate::sys::{self, Interest};

/// Bytes in one call of write: what a pipe or a socket that is ready takes without blocking.
const PIECE: usize = 4096;
/// Bytes in one call of read.
const GULP: usize = 64 << 10;

/// Why a cache did not get through.
#[derive(Debug)]
pub enum Trouble {
    /// The other side, or the kernel.
    Io(io::Error),
    /// The deadline has passed.
    Late,
    /// What was read is not for us.
    Refused(Refused),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// A descriptor and until when.
struct Line {
    file: File,
    deadline: Moment,
}

impl Line {
    fn new(descriptor: RawFd, within: Duration) -> io::Result<Self> {
        let ours: OwnedFd = sys::duplicate(descriptor)?;
        Ok(Self { file: ours.into(), deadline: sys::now().plus(within) })
    }

    fn wait(&self, interest: Interest) -> Result<(), Trouble> {
        loop {
            let left = self.deadline.since(sys::now());
            if left.is_zero() {
                return Err(Trouble::Late);
            }
            if sys::wait_for(&self.file, interest, left)? {
                return Ok(());
            }
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            self.wait(Interest::WRITE)?;
            match self.file.write(bytes.get(..PIECE).unwrap_or(bytes)) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Trouble> {
        loop {
            self.wait(Interest::READ)?;
            match self.file.read(into) {
                Err(error) if is_passing(&error) => {}
                done => return Ok(done?),
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// All caches of an engine, at any time of its life.
pub struct Caches(pub(crate) Arc<Shared>);

impl Caches {
    /// Write what they hold, beside serving; gives the number of entries.
    pub fn export(&self, descriptor: RawFd, within: Duration) -> Result<u64, Error> {
        let sent = || -> Result<u64, Trouble> {
            let mut line = Line::new(descriptor, within)?;
            let mut trouble = Trouble::Late;
            let sink = |bytes: &[u8]| match line.write(bytes) {
                Ok(()) => true,
                Err(error) => {
                    trouble = error;
                    false
                }
            };
            self.0.export(sys::now(), sink).ok_or(trouble)
        };
        sent().map_err(|trouble| Error::Export { trouble })
    }

    /// Read what an export wrote, up to its end, beside serving.
    pub fn import(&self, descriptor: RawFd, within: Duration) -> Result<Imported, Error> {
        let mut importer = Importer::new(&self.0);
        let mut received = || -> Result<Imported, Trouble> {
            let mut line = Line::new(descriptor, within)?;
            let mut gulp = vec![0; GULP];
            loop {
                let count = line.read(&mut gulp)?;
                let piece = gulp.get(..count).unwrap_or_default();
                if piece.is_empty() || importer.feed(piece, sys::now())? {
                    return Ok(importer.finish()?);
                }
            }
        };
        received().map_err(|trouble| Error::Import { trouble, so_far: importer.so_far() })
    }
}
