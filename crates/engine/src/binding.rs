//! Which sockets a plan needs: held already, handed over by the process before us, or bound now; and each worker's share.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use nodens_core::Shared;
use nodens_core::plan::{EnginePlan, ListenerPlan};
use nodens_core::step::ListenerId;
use nodens_core::time::Moment;

use crate::error::{Error, Protocol};
use crate::handover::{self, Handed};
use crate::listener::{self, Place, Sockets};
use crate::orders::Coming;
use crate::tcp::Timeouts;

/// A listener, where it really is, and sockets for workers that do not have them yet.
pub(crate) struct Bind {
    pub(crate) place: Place,
    pub(crate) address: SocketAddr,
    ears: Vec<UdpSocket>,
    doors: Vec<TcpListener>,
}

impl Bind {
    fn new(place: Place, address: SocketAddr, sockets: Vec<Sockets>) -> Self {
        let (ears, doors) = sockets.into_iter().map(|sockets| (sockets.udp, sockets.tcp)).unzip();
        Self { place, address, ears, doors }
    }

    /// Bind anew what the process before us had too few of.
    pub(crate) fn top_up(&mut self, workers: usize) -> Result<(), Error> {
        while self.ears.len() < workers {
            self.ears.push(listener::one_more_ear(&self.place, self.address)?);
        }
        while self.doors.len() < workers {
            self.doors.push(listener::one_more_door(&self.place, self.address)?);
        }
        Ok(())
    }

    /// Duplicates for the process after us.
    pub(crate) fn lend(&self) -> Vec<Handed> {
        let ears = self.ears.iter().map(|ear| Handed::of(self.address, Protocol::Udp, ear));
        let doors = self.doors.iter().map(|door| Handed::of(self.address, Protocol::Tcp, door));
        ears.chain(doors).flatten().collect()
    }

    /// One worker's share, if so many have none yet: one of each, and of those that are too many evenly more.
    fn share(&mut self, workers: usize) -> Option<(Sockets, Vec<TcpListener>, Vec<UdpSocket>)> {
        let sockets = Sockets { udp: self.ears.pop()?, tcp: self.doors.pop()? };
        Some((sockets, part_of(&mut self.doors, workers), part_of(&mut self.ears, workers)))
    }
}

/// What a worker gets besides its first, of what so many workers share.
fn part_of<T>(left: &mut Vec<T>, workers: usize) -> Vec<T> {
    let count = (left.len() + 1).div_ceil(workers.max(1)) - 1;
    left.split_off(left.len().saturating_sub(count))
}

/// Which addresses our sockets hold.
#[derive(Default)]
pub(crate) struct Held {
    /// Those of the plan, in its order, and where they really are.
    pub(crate) now: Vec<(Place, SocketAddr)>,
    /// Those that left, and until when a worker may still say farewell through them.
    pub(crate) left: Vec<(Place, Moment)>,
}

impl Held {
    /// All of them.
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.now.iter().map(|(place, _)| place).chain(self.left.iter().map(|(place, _)| place))
    }

    /// Another plan is in force.
    pub(crate) fn replace(&mut self, binds: Vec<Bind>, until: Moment) {
        let binds = binds.into_iter().map(|bind| (bind.place, bind.address)).collect();
        let before = std::mem::replace(&mut self.now, binds);
        for (place, _) in before {
            self.left.retain(|(other, _)| *other != place);
            if !self.now.iter().any(|(other, _)| *other == place) {
                self.left.push((place, until));
            }
        }
    }
}

/// Bind what the plan has and nobody holds yet; what is held comes without sockets. In the plan's order.
pub(crate) fn bind_new(
    plan: &EnginePlan,
    workers: usize,
    held: &Held,
    handed: &mut Vec<Handed>,
    is_sharing: bool,
) -> Result<Vec<Bind>, Error> {
    let wanted: Vec<Place> = plan.listeners.iter().map(Place::of).collect();
    let mut binds: Vec<Bind> = Vec::with_capacity(wanted.len());
    for (number, place) in wanted.iter().enumerate() {
        if let Some((_, address)) = held.now.iter().find(|(other, _)| other == place) {
            binds.push(Bind::new(*place, *address, Vec::new()));
            continue;
        }
        let (ears, doors) = handover::adopt(place, handed);
        if !ears.is_empty() || !doors.is_empty() {
            binds.push(Bind { place: *place, address: place.address, ears, doors });
            continue;
        }
        if is_sharing && place.address.port() != 0 {
            // Bound at the start: until somebody reads, what comes is better off with whoever shares the port.
            binds.push(Bind::new(*place, place.address, Vec::new()));
            continue;
        }
        let others = wanted.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, other)| other);
        let is_alone = !others.chain(held.places()).any(|other| other.overlaps(place));
        let (address, sockets) = listener::bind(place, workers, is_alone || place.address.port() == 0)?;
        binds.push(Bind::new(*place, address, sockets));
    }
    Ok(binds)
}

/// One worker's share of the new sockets, if so many workers have none yet.
pub(crate) fn coming(shared: &Shared, plan: &EnginePlan, binds: &mut [Bind], workers: usize) -> Vec<Coming> {
    let share = |(bind, listener): (&mut Bind, &ListenerPlan)| {
        let (sockets, more_doors, more_ears) = bind.share(workers)?;
        let id: ListenerId = shared.listener_id(bind.place.address);
        let (place, address, timeouts) = (bind.place, bind.address, Timeouts::of(listener));
        Some(Coming { place, address, id, sockets, more_doors, more_ears, timeouts })
    };
    binds.iter_mut().zip(&plan.listeners).filter_map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bind with so many sockets of each protocol, handed over or bound.
    fn with(ears: usize, doors: usize) -> Bind {
        let place = Place { address: ([127, 0, 0, 1], 0).into(), is_dual_stack: false, is_freebind: false };
        let (address, sockets) = listener::bind(&place, ears.max(doors), true).unwrap();
        let mut bind = Bind::new(Place { address, ..place }, address, sockets);
        bind.ears.truncate(ears);
        bind.doors.truncate(doors);
        bind
    }

    #[test]
    fn every_worker_gets_one_of_each_and_nothing_is_left_over() {
        for (ears, doors, workers) in [(1, 1, 1), (2, 2, 3), (3, 3, 2), (5, 1, 2), (1, 7, 3), (4, 4, 1), (0, 2, 2)] {
            let mut bind = with(ears, doors);
            bind.top_up(workers).unwrap();
            let shares: Vec<_> = (0..workers).map(|number| bind.share(workers - number).unwrap()).collect();
            let more_doors: Vec<usize> = shares.iter().map(|(_, more, _)| more.len()).collect();
            let more_ears: Vec<usize> = shares.iter().map(|(_, _, more)| more.len()).collect();
            let row = format!("{ears} ears and {doors} doors for {workers}: {more_doors:?} {more_ears:?}");
            assert_eq!(more_doors.iter().sum::<usize>(), doors.saturating_sub(workers), "{row}");
            assert_eq!(more_ears.iter().sum::<usize>(), ears.saturating_sub(workers), "{row}");
            assert!(more_doors.iter().max().unwrap() - more_doors.iter().min().unwrap() <= 1, "{row}");
            assert!(more_ears.iter().max().unwrap() - more_ears.iter().min().unwrap() <= 1, "{row}");
            assert!(bind.share(1).is_none(), "{row}");
        }
    }
}
