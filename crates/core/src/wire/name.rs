//! Names on the wire: walking, unpacking, folding, and their presentation form.

use std::fmt::Write as _;

/// Longest name on the wire, with the root label (RFC 1035, 2.3.4).
pub const NAME_MAX: usize = 255;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Lower-case eight bytes at once. Label lengths are under `A`, so whole wire names may be folded.
pub const fn fold8(x: u64) -> u64 {
    let heptets = x & (0x7f * ONES);
    let is_over_z = heptets + (0x7f - b'Z' as u64) * ONES;
    let is_from_a = heptets + (0x80 - b'A' as u64) * ONES;
    let is_upper = !x & (is_from_a ^ is_over_z) & (0x80 * ONES);
    x | (is_upper >> 2)
}

/// A wire name in a fixed buffer; the bytes after it are zero up to the next multiple of eight.
#[derive(Clone)]
pub struct NameBuffer {
    bytes: [u8; NAME_MAX + 1],
    len: usize,
}

impl Default for NameBuffer {
    fn default() -> Self {
        Self { bytes: [0; NAME_MAX + 1], len: 0 }
    }
}

impl NameBuffer {
    /// The name's bytes, root label included.
    pub fn as_wire(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The name, zero-padded to a multiple of eight.
    pub fn padded(&self) -> &[u8] {
        self.bytes.get(..self.len.next_multiple_of(8)).unwrap_or_default()
    }

    /// Become the lower-case copy of a valid wire name.
    pub fn fold_from(&mut self, wire: &[u8]) {
        let (chunks, rest) = wire.as_chunks::<8>();
        let mut at = 0;
        for chunk in chunks {
            super::put(&mut self.bytes, at, &fold8(u64::from_le_bytes(*chunk)).to_le_bytes());
            at += 8;
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            super::put(&mut last, 0, rest);
            super::put(&mut self.bytes, at, &fold8(u64::from_le_bytes(last)).to_le_bytes());
        }
        self.len = wire.len().min(NAME_MAX);
    }

    fn push(&mut self, part: &[u8]) -> Option<()> {
        let end = self.len.checked_add(part.len()).filter(|end| *end <= NAME_MAX)?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(part);
        self.len = end;
        Some(())
    }

    /// Unpack the name at `at`; gives where it ends in the message. Pointers must point backwards.
    pub fn unpack(&mut self, message: &[u8], mut at: usize) -> Option<usize> {
        self.len = 0;
        let mut end = None;
        let mut floor = at;
        loop {
            let length = *message.get(at)?;
            match length {
                0 => {
                    self.push(&[0])?;
                    return Some(end.unwrap_or(at + 1));
                }
                1..=63 => {
                    let next = at + 1 + usize::from(length);
                    self.push(message.get(at..next)?)?;
                    at = next;
                }
                192.. => {
                    let target = usize::from(super::be16(message, at)? & 0x3fff);
                    if target >= floor {
                        return None;
                    }
                    end.get_or_insert(at + 2);
                    floor = target;
                    at = target;
                }
                _ => return None,
            }
        }
    }
}

/// Where the uncompressed name at `at` ends; no pointers, at most 255 bytes.
pub fn plain_end(message: &[u8], at: usize) -> Option<usize> {
    let mut here = at;
    loop {
        match *message.get(here)? {
            0 => return Some(here + 1).filter(|end| end - at <= NAME_MAX),
            length @ 1..=63 => here += 1 + usize::from(length),
            _ => return None,
        }
    }
}

/// Where the name at `at` ends in the message, not following pointers.
pub fn skip(message: &[u8], at: usize) -> Option<usize> {
    let mut here = at;
    loop {
        match *message.get(here)? {
            0 => return Some(here + 1),
            length @ 1..=63 => here += 1 + usize::from(length),
            192.. => return message.get(here + 1).map(|_| here + 2),
            _ => return None,
        }
    }
}

/// The name and each of its parents, longest first, the root last.
pub fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(wire);
    core::iter::from_fn(move || {
        let here = rest?;
        let length = usize::from(*here.first()?);
        rest = if length == 0 { None } else { here.get(1 + length..) };
        Some(here)
    })
}

/// Whether `name` is `zone` or under it; both lower case on the wire.
pub fn is_under(name: &[u8], zone: &[u8]) -> bool {
    name.len() >= zone.len() && suffixes(name).any(|suffix| suffix == zone)
}

/// Presentation form, with the final dot.
pub fn render(wire: &[u8], into: &mut String) {
    if wire.first().is_none_or(|length| *length == 0) {
        into.push('.');
        return;
    }
    for suffix in suffixes(wire) {
        let length = usize::from(suffix.first().copied().unwrap_or(0));
        if length == 0 {
            break;
        }
        for byte in suffix.get(1..=length).unwrap_or_default() {
            match byte {
                b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                    into.push('\\');
                    into.push(char::from(*byte));
                }
                0x21..=0x7e => into.push(char::from(*byte)),
                other => {
                    let _ = write!(into, "\\{other:03}");
                }
            }
        }
        into.push('.');
    }
}

/// Read presentation form into lower-case wire form; a final dot may be missing.
pub fn parse(text: &str) -> Option<Vec<u8>> {
    let mut wire = Vec::with_capacity(text.len() + 2);
    if text == "." {
        return Some(vec![0]);
    }
    let mut label: Vec<u8> = Vec::new();
    let mut bytes = text.bytes().peekable();
    let mut close = |label: &mut Vec<u8>| -> Option<()> {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        wire.push(length);
        wire.append(label);
        Some(())
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => close(&mut label)?,
            b'\\' => {
                let first = bytes.next()?;
                if first.is_ascii_digit() {
                    let second = bytes.next().filter(u8::is_ascii_digit)?;
                    let third = bytes.next().filter(u8::is_ascii_digit)?;
                    let number =
                        u32::from(first - b'0') * 100 + u32::from(second - b'0') * 10 + u32::from(third - b'0');
                    label.push(u8::try_from(number).ok()?.to_ascii_lowercase());
                } else {
                    label.push(first.to_ascii_lowercase());
                }
            }
            other => label.push(other.to_ascii_lowercase()),
        }
    }
    if !label.is_empty() {
        close(&mut label)?;
    }
    wire.push(0);
    (wire.len() > 1 && wire.len() <= NAME_MAX).then_some(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_touches_upper_case_letters_only() {
        for byte in 0..=255_u8 {
            let folded = fold8(u64::from_le_bytes([byte; 8])).to_le_bytes();
            assert_eq!(folded, [byte.to_ascii_lowercase(); 8]);
        }
    }

    #[test]
    fn names_are_read_and_written_back() {
        for (text, wire) in [
            (".", Some(&b"\0"[..])),
            ("a.B.", Some(b"\x01a\x01b\0")),
            ("a.b", Some(b"\x01a\x01b\0")),
            ("a..b.", None),
            ("", None),
            ("x\\.y.", Some(b"\x03x.y\0")),
            ("\\200.", Some(b"\x01\xc8\0")),
            ("\\300.", None),
        ] {
            assert_eq!(parse(text).as_deref(), wire, "{text}");
        }
        let mut text = String::new();
        render(b"\x03x.y\x01\xc8\0", &mut text);
        assert_eq!(text, "x\\.y.\\200.");
    }

    #[test]
    fn a_pointer_must_point_backwards() {
        let mut name = NameBuffer::default();
        assert_eq!(name.unpack(b"\x01a\0\xc0\x00", 3), Some(5));
        assert_eq!(name.as_wire(), b"\x01a\0");
        assert_eq!(name.unpack(b"\xc0\x00", 0), None);
        assert_eq!(name.unpack(b"\x01a\xc0\x00", 0), None);
        assert_eq!(name.unpack(b"\x01a\xc0\x00", 2), None);
        assert_eq!(name.unpack(b"\x40", 0), None);
    }
}
