//! Many askers, one question - across workers too: who asks upstream, and who waits for it.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::cache::lifetime::Verdict;
use crate::plan::LogClass;
use crate::wire::edns::Ede;
use crate::wire::packed::Packed;

/// Shards of the claim table.
const SHARDS: usize = 16;

/// What an upstream said, ready to be given to anybody.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer.
    pub packed: Packed,
    /// How it may be kept.
    pub verdict: Verdict,
    /// How `log` files it.
    pub class: LogClass,
    /// Who said it, or was asked last in vain.
    pub upstream: Option<Arc<str>>,
    /// We said it ourselves, for this reason.
    pub failure: Option<Failure>,
}

/// Why nothing came of a question.
#[derive(Clone, Debug)]
pub struct Failure {
    /// For clients.
    pub ede: Ede,
    /// For the `errors` line.
    pub text: String,
}

/// News for a worker: a question it waits for is over. None: nothing came of it.
#[derive(Clone, Debug)]
pub struct News {
    /// The question's merge key.
    pub key: u64,
    /// What was learnt.
    pub outcome: Option<Arc<Outcome>>,
}

/// Who asked first.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller is the one to ask.
    Mine,
    /// Another worker asks; the caller is woken when it is over.
    Theirs,
}

#[derive(Default)]
struct Claimed {
    owner: usize,
    watchers: u64,
}

/// Claims of all workers. Touched on misses only.
#[derive(Default)]
pub struct Claims {
    shards: [Mutex<HashMap<u64, Claimed>>; SHARDS],
    mail: Mutex<Vec<Vec<News>>>,
}

impl Claims {
    fn shard(&self, key: u64) -> Option<&Mutex<HashMap<u64, Claimed>>> {
        self.shards.get((key >> 40) as usize % SHARDS)
    }

    /// Claim a question, or watch who has.
    pub fn claim(&self, key: u64, worker: usize) -> Claim {
        let Some(shard) = self.shard(key) else { return Claim::Mine };
        let mut claims = shard.lock();
        match claims.get_mut(&key) {
            Some(claimed) if claimed.owner != worker && worker < 64 => {
                claimed.watchers |= 1 << worker;
                Claim::Theirs
            }
            Some(_) => Claim::Mine,
            None => {
                claims.insert(key, Claimed { owner: worker, watchers: 0 });
                Claim::Mine
            }
        }
    }

    /// Whether another worker asks this already (for refreshes, which nobody waits for).
    pub fn is_taken(&self, key: u64, worker: usize) -> bool {
        self.shard(key).is_some_and(|shard| shard.lock().get(&key).is_some_and(|claimed| claimed.owner != worker))
    }

    /// Give up a claim and leave the news for those who watch; `nudge` is called for each of them.
    pub fn settle(
        &self,
        key: u64,
        worker: usize,
        outcome: impl FnOnce() -> Option<Outcome>,
        mut nudge: impl FnMut(usize),
    ) {
        let Some(shard) = self.shard(key) else { return };
        let watchers = {
            let mut claims = shard.lock();
            match claims.get(&key) {
                Some(claimed) if claimed.owner == worker => claims.remove(&key).map_or(0, |claimed| claimed.watchers),
                _ => return,
            }
        };
        if watchers == 0 {
            return;
        }
        let outcome = outcome().map(Arc::new);
        let mut mail = self.mail.lock();
        for watcher in (0..64).filter(|number| watchers >> number & 1 == 1) {
            if mail.len() <= watcher {
                mail.resize_with(watcher + 1, Vec::new);
            }
            if let Some(letters) = mail.get_mut(watcher) {
                letters.push(News { key, outcome: outcome.clone() });
            }
            nudge(watcher);
        }
    }

    /// The news that wait for a worker.
    pub fn take_news(&self, worker: usize) -> Vec<News> {
        self.mail.lock().get_mut(worker).map(core::mem::take).unwrap_or_default()
    }
}
