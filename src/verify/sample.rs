//! Which tickets of a lock to run again, where not all of them are.

use std::collections::HashMap;

use crate::lock::LockedTicket;

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

/// The numbers of tickets in an order of which every beginning is spread over variants and pipelines, and within each
/// over levels and replicates. The same lock gives the same order: nobody chooses.
pub fn spread(tickets: &[&LockedTicket]) -> Vec<usize> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for (number, ticket) in tickets.iter().enumerate() {
        let address = &ticket.address;
        let key = (address.variant.as_str(), address.pipeline.as_str(), address.analysis.as_str());
        let group = *known.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(number);
    }
    let count = groups.len();
    let mut all: Vec<(usize, usize, usize)> = Vec::with_capacity(tickets.len());
    for (group, members) in groups.into_iter().enumerate() {
        // Each pipeline begins elsewhere on its ladder: the same level of all would say little.
        let turned = members.len() * scattered(group, count) / count.max(1);
        for (place, number) in members.iter().enumerate() {
            let at = (place + members.len() - turned) % members.len();
            all.push((scattered(at, members.len()), scattered(group, count), *number));
        }
    }
    all.sort_unstable();
    all.into_iter().map(|(.., number)| number).collect()
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
        let order = spread(&all.iter().collect::<Vec<_>>());
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
    fn who_names_pipelines_and_replicates_gets_those() {
        let choice = Choice { pipelines: vec!["imp".into()], replicates: vec![1] };
        let takes = |name, replicate| choice.takes(&ticket(name, 0, replicate));
        assert_eq!([takes("imp", 1), takes("imp", 0), takes("dense", 1)], [true, false, false]);
        assert!(Choice::default().takes(&ticket("dense", 0, 7)));
    }

    proptest! {
        #[test]
        fn every_ticket_is_in_the_order_once(pipelines in 1usize..5, levels in 1u32..20, replicates in 1u32..4) {
            let mut all = Vec::new();
            for (pipeline, level) in (0..pipelines).flat_map(|p| (0..levels).map(move |level| (p, level))) {
                all.extend((0..replicates).map(|replicate| ticket(&pipeline.to_string(), level, replicate)));
            }
            let mut order = spread(&all.iter().collect::<Vec<_>>());
            order.sort_unstable();
            prop_assert_eq!(order, (0..all.len()).collect::<Vec<_>>());
        }
    }
}
