//! `log`: the line a response leaves behind. Recorded on the packet's thread, rendered on another.

use core::time::Duration;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::names::{class_name, rcode_name, type_name};
use crate::plan::{LogClass, LogPlan};
use crate::wire::header::{AA, AD, CD, QR, RA, RD, TC, Z};
use crate::wire::name::{is_under, render};

/// A line to be written: of the query log, or of `errors`.
#[derive(Clone, Debug)]
pub struct LogRecord(Line);

#[derive(Clone, Debug)]
enum Line {
    Query(Box<QueryLine>),
    Text(String),
}

impl LogRecord {
    /// A line that is ready.
    pub fn text(line: String) -> Self {
        Self(Line::Text(line))
    }

    /// A query's line.
    pub fn query(line: QueryLine) -> Self {
        Self(Line::Query(Box::new(line)))
    }

    /// Append the line, with its line end, exactly as it is to appear.
    pub fn render(&self, into: &mut String) {
        match &self.0 {
            Line::Text(text) => into.push_str(text),
            Line::Query(line) => {
                into.push_str("[INFO] ");
                line.render(into);
            }
        }
        into.push('\n');
    }
}

/// What a query's line is made of.
#[derive(Clone, Debug)]
pub struct QueryLine {
    /// How it looks.
    pub format: Arc<[Piece]>,
    /// The client.
    pub remote: SocketAddr,
    /// The address asked.
    pub local: SocketAddr,
    /// Over TCP.
    pub is_tcp: bool,
    /// Message ID.
    pub id: u16,
    /// Lower-case wire name.
    pub qname: Box<[u8]>,
    /// Type.
    pub qtype: u16,
    /// Class.
    pub qclass: u16,
    /// Bytes of the query.
    pub size: u16,
    /// DO was set.
    pub is_do: bool,
    /// What the client can take.
    pub bufsize: u16,
    /// The reply's flags, with its rcode.
    pub flags: u16,
    /// Bytes of the reply before OPT, compression and truncation.
    pub reply_size: usize,
    /// Arrival to reply.
    pub duration: Duration,
    /// Who was asked for it, if anybody: `{/forward/upstream}`.
    pub upstream: Option<Arc<str>>,
}

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Itself.
    Literal(String),
    /// A placeholder.
    Value(Value),
}

/// Placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the placeholder of its name (behaviour of CoreDNS' log)")]
pub enum Value {
    Remote,
    Local,
    Port,
    Id,
    Opcode,
    Type,
    Class,
    Name,
    Proto,
    Size,
    Do,
    Bufsize,
    Rcode,
    Rflags,
    Rsize,
    Duration,
    Upstream,
    Label,
}

/// Read a format: `{placeholder}` or itself.
pub fn parse_format(mut text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    while let Some((before, rest)) = text.split_once('{') {
        literal.push_str(before);
        let Some((word, after)) = rest.split_once('}') else {
            literal.push('{');
            text = rest;
            continue;
        };
        if let Some(value) = placeholder(word) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(core::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value(value));
            text = after;
        } else {
            literal.push('{');
            text = rest;
        }
    }
    literal.push_str(text);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}

fn placeholder(word: &str) -> Option<Value> {
    Some(match word {
        "remote" => Value::Remote,
        "local" => Value::Local,
        "port" => Value::Port,
        ">id" => Value::Id,
        ">opcode" => Value::Opcode,
        "type" => Value::Type,
        "class" => Value::Class,
        "name" => Value::Name,
        "proto" => Value::Proto,
        "size" => Value::Size,
        ">do" => Value::Do,
        ">bufsize" => Value::Bufsize,
        "rcode" => Value::Rcode,
        ">rflags" => Value::Rflags,
        "rsize" => Value::Rsize,
        "duration" => Value::Duration,
        "/forward/upstream" => Value::Upstream,
        label if label.starts_with('/') && label.len() > 1 => Value::Label,
        _ => return None,
    })
}

impl QueryLine {
    fn render(&self, into: &mut String) {
        for piece in &*self.format {
            match piece {
                Piece::Literal(text) => into.push_str(text),
                Piece::Value(value) => self.render_value(*value, into),
            }
        }
    }

    fn render_value(&self, value: Value, into: &mut String) {
        let _ = match value {
            Value::Remote => write_ip(self.remote.ip(), into),
            Value::Local => write_ip(self.local.ip(), into),
            Value::Port => write!(into, "{}", self.remote.port()),
            Value::Id => write!(into, "{}", self.id),
            Value::Opcode => into.write_str("0"),
            Value::Type => into.write_str(&type_name(self.qtype)),
            Value::Class => into.write_str(&class_name(self.qclass)),
            Value::Name => {
                render(&self.qname, into);
                Ok(())
            }
            Value::Proto => into.write_str(if self.is_tcp { "tcp" } else { "udp" }),
            Value::Size => write!(into, "{}", self.size),
            Value::Do => write!(into, "{}", self.is_do),
            Value::Bufsize => write!(into, "{}", if self.is_tcp { u16::MAX } else { self.bufsize }),
            Value::Rcode => into.write_str(&rcode_name(self.flags & 0xf, "")),
            Value::Rflags => {
                write_flags(self.flags, into);
                Ok(())
            }
            Value::Rsize => write!(into, "{}", self.reply_size),
            Value::Duration => {
                write_seconds(self.duration, into);
                Ok(())
            }
            Value::Upstream => into.write_str(self.upstream.as_deref().unwrap_or("-")),
            Value::Label => into.write_str("-"),
        };
    }
}

fn write_ip(ip: IpAddr, into: &mut String) -> std::fmt::Result {
    match ip.to_canonical() {
        IpAddr::V4(v4) => write!(into, "{v4}"),
        IpAddr::V6(v6) => write!(into, "[{v6}]"),
    }
}

fn write_flags(flags: u16, into: &mut String) {
    let names = [(QR, "qr"), (AA, "aa"), (TC, "tc"), (RD, "rd"), (RA, "ra"), (Z, "z"), (AD, "ad"), (CD, "cd")];
    let start = into.len();
    for (flag, name) in names {
        if flags & flag != 0 {
            if into.len() > start {
                into.push(',');
            }
            into.push_str(name);
        }
    }
}

/// Seconds, shortest decimal, never an exponent: `0.000232824s`, `2s`.
fn write_seconds(duration: Duration, into: &mut String) {
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    into.push_str(text.trim_end_matches('0').trim_end_matches('.'));
    into.push('s');
}

/// A `log` rule: which names, which responses, how the line looks.
pub struct LogRule {
    zone: Vec<u8>,
    format: Arc<[Piece]>,
    classes: Vec<LogClass>,
}

impl LogRule {
    /// Read a planned rule.
    pub fn new(zone: Vec<u8>, plan: &LogPlan) -> Self {
        Self { zone, format: parse_format(&plan.format).into(), classes: plan.classes.clone() }
    }

    /// The format to print with: of the first rule in whose zone the name is, if its classes say so.
    pub fn choose(rules: &[Self], qname: &[u8], class: LogClass) -> Option<Arc<[Piece]>> {
        let rule = rules.iter().find(|rule| is_under(qname, &rule.zone))?;
        let prints = rule.classes.contains(&LogClass::All) || rule.classes.contains(&class);
        prints.then(|| Arc::clone(&rule.format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::name::parse;

    const COMMON: &str = "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" {rcode} {>rflags} {rsize} {duration}";

    #[test]
    fn the_common_line_is_as_coredns_prints_it() {
        let line = QueryLine {
            format: parse_format(COMMON).into(),
            remote: "192.168.82.65:54312".parse().unwrap(),
            local: "10.96.0.10:53".parse().unwrap(),
            is_tcp: false,
            id: 42953,
            qname: parse("kubernetes.default.svc.cluster.local.").unwrap().into(),
            qtype: 1,
            qclass: 1,
            size: 54,
            is_do: false,
            bufsize: 512,
            flags: QR | AA | RD,
            reply_size: 106,
            duration: Duration::from_nanos(232_824),
            upstream: None,
        };
        let mut text = String::new();
        LogRecord::query(line).render(&mut text);
        assert_eq!(
            text,
            "[INFO] 192.168.82.65:54312 - 42953 \"A IN kubernetes.default.svc.cluster.local. udp 54 false 512\" \
             NOERROR qr,aa,rd 106 0.000232824s\n"
        );
    }

    #[test]
    fn unknown_placeholders_are_literal_and_labels_are_dashes() {
        assert_eq!(
            parse_format("{x} {/a/b}{name}"),
            [Piece::Literal("{x} ".into()), Piece::Value(Value::Label), Piece::Value(Value::Name)]
        );
    }
}
