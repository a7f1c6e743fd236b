//! Any bytes as a client's message and as an upstream's: what is taken in can be written again, and says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nodens_core::wire::encode::Encoder;
use nodens_core::wire::name::{NameBuffer, plain_end};
use nodens_core::wire::query;
use nodens_core::wire::reply::{Serving, compose};
use nodens_core::wire::response::{Digest, Question, digest, fold_in_place, question_end, whose};

/// What a digest says, less what belongs to the OPT that is not kept.
fn meaning(digest: &Digest) -> (u16, Option<u32>, Option<u32>, bool, bool, bool) {
    (digest.flags & 0xfff0, digest.ttl_min, digest.denial_ttl, digest.has_answer, digest.has_final, digest.has_ns)
}

fuzz_target!(|message: &[u8]| {
    let asked = query::parse(message).map(|query| query.asked);

    let Some(end) = plain_end(message, 12).filter(|end| message.len() >= end + 4) else { return };
    let mut qname = message[12..end].to_vec();
    fold_in_place(&mut qname);
    let word = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let question = Question { qname: &qname, qtype: word(end), qclass: word(end + 2) };
    let _ = whose(message, &question);

    let (mut first, mut again, mut scratch) = (Encoder::default(), Encoder::default(), NameBuffer::default());
    let Ok(read) = digest(&mut first, &mut scratch, message, &question) else { return };
    let written = first.message().to_vec();
    let reread = digest(&mut again, &mut scratch, &written, &question).expect("what we wrote can be read");
    assert_eq!(meaning(&read), meaning(&reread), "writing a message again changes nothing that it says");
    assert_eq!(again.message(), written, "writing it twice is writing it once");
    assert_eq!(question_end(&written), Some(12 + qname.len() + 4));

    let Ok(asked) = asked else { return };
    let packed = read.pack(&first, message);
    for limit in [512, 1232, 65_535] {
        let serving = Serving { asked: &asked, qname: &message[12..end], ttl: Some(7), limit, own_size: 1232, ede: &[] };
        let mut out = vec![0; 65_535];
        let length = compose(&packed, &serving, &mut out);
        assert!(length <= limit, "a reply keeps to its limit");
        let told = digest(&mut again, &mut scratch, &out[..length], &question).expect("a reply can be read");
        assert!(told.ttl_min.is_none_or(|ttl| ttl == 7), "every TTL is the one we gave");
    }
});
