//! One thread that takes log lines from the shared part, renders them and writes them out.
//!
//! Workers never wait for it: a reader of our output who is slow or gone makes us drop lines, and drops are counted.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nodens_core::{LogRecord, Shared};

use crate::{json, sys};

/// Whether lines are JSON: a choice of the process, which has one standard output.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Bytes written in one call: a pipe takes so many as one piece (`PIPE_BUF`), so lines of others do not mix with ours.
const PIECE: usize = 4096;
/// With nobody waking us we look so often.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// At the end, the thread may take so long to write what is left before it is left behind.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Write JSON from now on.
pub fn log_as_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// The thread, and how to end it.
pub struct Logger {
    thread: Mutex<Option<(JoinHandle<()>, Receiver<()>)>>,
    is_over: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
}

impl Logger {
    /// Start writing to this process' standard output.
    pub fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(stdout) => Self::start_with(shared, Box::new(File::from(stdout))),
            Err(_) => Self::start_with(shared, Box::new(io::sink())), // closed from the start: nobody wants to know
        }
    }

    /// Start writing to anything.
    pub fn start_with(shared: &Arc<Shared>, out: Box<dyn Write + Send>) -> io::Result<Self> {
        let (is_over, dropped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (end, ended) = channel();
        let scribe = Scribe {
            shared: Arc::clone(shared),
            out,
            dropped: Arc::clone(&dropped),
            records: Vec::new(),
            text: String::new(),
            line: String::new(),
        };
        let told = Arc::clone(&is_over);
        let thread = thread::Builder::new().name("nodens-log".to_owned()).spawn(move || {
            sys::block_signals();
            scribe.run(&told);
            let _ = end.send(());
        })?;
        let writer = thread.thread().clone();
        shared.set_log_waker(Box::new(move || writer.unpark()));
        Ok(Self { thread: Mutex::new(Some((thread, ended))), is_over, dropped })
    }

    /// Lines that were rendered but that nobody would read.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Write what is left and end. A blocked output is not waited for.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((thread, ended)) = thread {
            thread.thread().unpark();
            if ended.recv_timeout(LAST_WORDS).is_ok() {
                let _ = thread.join();
            }
        }
    }
}

/// The thread's own things.
struct Scribe {
    shared: Arc<Shared>,
    out: Box<dyn Write + Send>,
    dropped: Arc<AtomicU64>,
    records: Vec<LogRecord>,
    text: String,
    /// One line, before it is put into JSON.
    line: String,
}

impl Scribe {
    fn run(mut self, is_over: &AtomicBool) {
        loop {
            let was_over = is_over.load(Ordering::Acquire);
            self.write_all();
            if was_over {
                return;
            }
            thread::park_timeout(LONGEST_WAIT);
        }
    }

    /// Take and write until nothing waits.
    fn write_all(&mut self) {
        loop {
            self.shared.take_log(&mut self.records);
            if self.records.is_empty() {
                return;
            }
            let is_json = IS_JSON.load(Ordering::Relaxed);
            for record in self.records.drain(..) {
                if is_json {
                    self.line.clear();
                    record.render(&mut self.line);
                    json::write_line(self.line.trim_end_matches('\n'), sys::unix_ms(), &mut self.text);
                } else {
                    record.render(&mut self.text);
                }
            }
            write_lines(self.out.as_mut(), &self.text, &self.dropped);
            self.text.clear();
            self.text.shrink_to(PIECE * 16);
        }
    }
}

/// Write whole lines, in pieces that a pipe takes as one.
fn write_lines(out: &mut dyn Write, text: &str, dropped: &AtomicU64) {
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_of(rest));
        if out.write_all(piece.as_bytes()).is_err() {
            dropped.fetch_add(piece.lines().count() as u64, Ordering::Relaxed);
        }
        rest = after;
    }
    let _ = out.flush();
}

/// The length of the longest run of whole lines that is one piece; a longer line goes alone.
fn piece_of(text: &str) -> usize {
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let mut length = 0;
    for end in ends {
        if length > 0 && end > PIECE {
            break;
        }
        length = end;
    }
    if length == 0 { text.len() } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_written_and_many_of_them_at_once() {
        let line = format!("{}\n", "x".repeat(99));
        for (lines, first) in [(1, 100), (40, 4000), (41, 4000), (100, 4000)] {
            assert_eq!(piece_of(&line.repeat(lines)), first, "{lines} lines");
        }
        let long = format!("{}\nshort\n", "y".repeat(5000));
        assert_eq!(piece_of(&long), 5001);
        assert_eq!(piece_of("without an end"), 14);
    }

    #[test]
    fn an_output_that_is_closed_costs_lines_and_they_are_counted() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let dropped = AtomicU64::new(0);
        write_lines(&mut Closed, "one\ntwo\n", &dropped);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }
}
