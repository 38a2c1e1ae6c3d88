//! Which tickets of a lock to run again, where not all of them are.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use indexmap::IndexMap;

use crate::lock::{Address, LockedTicket};

/// What a reviewer asks for; of what is not said, all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    pub pipelines: Vec<String>,
    pub replicates: Vec<u32>,
}

impl Choice {
    pub fn takes(&self, ticket: &LockedTicket) -> bool {
        let address = &ticket.address;
        (self.pipelines.is_empty() || self.pipelines.contains(&address.pipeline))
            && (self.replicates.is_empty() || self.replicates.contains(&address.replicate))
    }
}

/// The numbers of tickets in an order of which every beginning is spread over variants and pipelines, and within each over
/// levels, far ones first, and replicates: as many as there are levels are of all of them. Where it begins, the seed says,
/// so that no author of a lock knows which tickets are looked at.
pub fn spread(tickets: &[&LockedTicket], seed: u32) -> Vec<usize> {
    let groups = grouped(tickets.iter().map(|ticket| {
        let address = &ticket.address;
        (address.variant.as_str(), address.pipeline.as_str(), address.analysis.as_str())
    }));
    let count = groups.len();
    let rank = |group: usize| scattered((group + drawn(seed, "pipeline", count)) % count.max(1), count);
    let mut all: Vec<(usize, usize, usize)> = Vec::with_capacity(tickets.len());
    for (group, members) in groups.into_iter().enumerate() {
        let of: Vec<&Address> = members.iter().map(|number| &tickets[*number].address).collect();
        let order = within(&of, (group, count), seed);
        all.extend(order.into_iter().enumerate().map(|(nth, at)| (nth, rank(group), members[at])));
    }
    all.sort_unstable();
    all.into_iter().map(|(.., number)| number).collect()
}

/// The order of a pipeline's tickets: once through the levels, each in another replicate than the one before, then through
/// them again in the next replicate of each.
fn within(tickets: &[&Address], (group, groups): (usize, usize), seed: u32) -> Vec<usize> {
    let place = |address: &&Address| (address.level, address.planned, address.draw, address.branch);
    let levels = ranks(tickets.iter().map(place));
    let replicates = ranks(tickets.iter().map(|address| (address.replicate, address.other_replicate)));
    let count = |ranks: &[usize]| ranks.iter().max().map_or(1, |most| most + 1);
    let (of_levels, of_replicates) = (count(&levels), count(&replicates));
    // Each pipeline begins elsewhere on its ladder and in another replicate: the same of all would say little.
    let turned = of_levels * scattered(group, groups) / groups.max(1) + drawn(seed, "level", of_levels);
    let turned_replicates = group + drawn(seed, "replicate", of_replicates);
    let key = |at: &usize| {
        let level = scattered((levels[*at] + of_levels - turned % of_levels) % of_levels, of_levels);
        let replicate = (level + turned_replicates) % of_replicates;
        let round = (replicates[*at] + of_replicates - replicate) % of_replicates;
        (round, level, *at)
    };
    let mut order: Vec<usize> = (0..tickets.len()).collect();
    order.sort_unstable_by_key(key);
    order
}

/// A number below `of`, drawn from the seed.
fn drawn(seed: u32, name: &str, of: usize) -> usize {
    let hash = blake3::hash(format!("tombola sample 1\n{seed}\n{name}").as_bytes());
    let bytes = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    (u64::from_le_bytes(bytes) % of.max(1) as u64) as usize
}

/// The numbers of equal items, in the order of their first ones.
fn grouped<T: Eq + Hash>(items: impl Iterator<Item = T>) -> Vec<Vec<usize>> {
    let mut groups: IndexMap<T, Vec<usize>> = IndexMap::new();
    items.enumerate().for_each(|(number, item)| groups.entry(item).or_default().push(number));
    groups.into_values().collect()
}

/// Of each item, how many smaller ones there are, equal ones counted once.
fn ranks<T: Ord>(items: impl Iterator<Item = T>) -> Vec<usize> {
    let items: Vec<T> = items.collect();
    let sorted: BTreeSet<&T> = items.iter().collect();
    let rank: BTreeMap<&T, usize> = sorted.into_iter().enumerate().map(|(rank, item)| (item, rank)).collect();
    items.iter().map(|item| rank[item]).collect()
}

/// The rank of a place among `of` when halves are halved again and again: 0, 1/2, 1/4, 3/4, 1/8, … (van der Corput).
fn scattered(place: usize, of: usize) -> usize {
    let bits = of.max(1).next_power_of_two().trailing_zeros();
    let reversed = |n: usize| if bits == 0 { 0 } else { (n as u32).reverse_bits() >> (32 - bits) };
    let here = reversed(place);
    (0..of).filter(|other| reversed(*other) < here).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::ticket;
    use super::*;

    #[test]
    fn halves_are_halved_again() {
        let order = |of: usize| (0..of).map(|place| scattered(place, of)).collect::<Vec<_>>();
        assert_eq!(order(4), [0, 2, 1, 3]);
        assert_eq!(order(3), [0, 2, 1]);
        assert_eq!(order(1), [0]);
    }

    #[test]
    fn the_first_tickets_are_of_all_pipelines_and_then_of_far_levels() {
        let all: Vec<LockedTicket> = ["dense", "imp", "shuffled"]
            .into_iter()
            .flat_map(|name| (0..4).map(move |level| ticket(name, level, 0)))
            .collect();
        let order = spread(&all.iter().collect::<Vec<_>>(), 1);
        let names = |from: usize| {
            let mut names: Vec<&str> =
                order[from..from + 3].iter().map(|n| all[*n].address.pipeline.as_str()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!([names(0), names(3)], [["dense", "imp", "shuffled"]; 2]);
        let levels: Vec<u32> =
            order.iter().map(|n| &all[*n].address).filter(|a| a.pipeline == "imp").map(|a| a.level).collect();
        assert_eq!(levels[0].abs_diff(levels[1]), 2, "{levels:?}");
    }

    #[test]
    fn every_ticket_is_the_first_by_some_seed() {
        let all: Vec<LockedTicket> =
            ["dense", "imp"].into_iter().flat_map(|name| (0..12).map(move |n| ticket(name, n % 4, n / 4))).collect();
        let all: Vec<&LockedTicket> = all.iter().collect();
        let first: BTreeSet<usize> = (0..500).map(|seed| spread(&all, seed)[0]).collect();
        assert_eq!(first.len(), all.len());
    }

    #[test]
    fn who_names_pipelines_and_replicates_gets_those() {
        let choice = Choice { pipelines: vec!["imp".into()], replicates: vec![1] };
        let takes = |name, replicate| choice.takes(&ticket(name, 0, replicate));
        assert_eq!([takes("imp", 1), takes("imp", 0), takes("dense", 1)], [true, false, false]);
        assert!(Choice::default().takes(&ticket("dense", 0, 7)));
    }

    proptest! {
        #[test]
        fn as_many_tickets_as_there_are_levels_are_of_all_levels_and_replicates(
            levels in 1u32..20, replicates in 1u32..7, others in 0u32..4, seed in any::<u32>()
        ) {
            // The pipeline that is looked at comes after others, each of which begins elsewhere.
            let mut all: Vec<LockedTicket> = (0..others).map(|n| ticket(&format!("other {n}"), 0, 0)).collect();
            for replicate in 0..replicates {
                all.extend((0..levels).map(|level| ticket("imp", level, replicate)));
            }
            let order = spread(&all.iter().collect::<Vec<_>>(), seed);
            let addresses = || order.iter().map(|n| &all[*n].address).filter(|address| address.pipeline == "imp");
            for begin in 0..replicates {
                let round: Vec<u32> = addresses().skip((begin * levels) as usize).take(levels as usize).map(|a| a.level).collect();
                prop_assert_eq!(round.iter().collect::<BTreeSet<_>>().len() as u32, levels, "{:?}", round);
            }
            let few = levels.min(replicates);
            let met: BTreeSet<u32> = addresses().take(few as usize).map(|address| address.replicate).collect();
            prop_assert_eq!(met.len() as u32, few, "{:?}", met);
        }

        #[test]
        fn every_ticket_is_in_the_order_once(
            pipelines in 1usize..5, levels in 1u32..20, replicates in 1u32..4, seed in any::<u32>()
        ) {
            let mut all = Vec::new();
            for (pipeline, level) in (0..pipelines).flat_map(|p| (0..levels).map(move |level| (p, level))) {
                all.extend((0..replicates).map(|replicate| ticket(&pipeline.to_string(), level, replicate)));
            }
            let mut order = spread(&all.iter().collect::<Vec<_>>(), seed);
            order.sort_unstable();
            prop_assert_eq!(order, (0..all.len()).collect::<Vec<_>>());
        }
    }
}
