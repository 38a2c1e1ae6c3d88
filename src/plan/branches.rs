//! Tickets of a pipeline that nothing else tells apart, as branches that keep equally many weights give, are numbered in
//! the order in which they are written.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Plan, PlannedTicket};

impl Plan {
    /// Numbers the tickets of each place, and the analyses.
    pub(super) fn with_branches(mut self) -> Plan {
        let place = |ticket: &PlannedTicket| {
            (ticket.variant, ticket.pipeline.clone(), ticket.replicate, ticket.level, ticket.kept, ticket.draw)
        };
        let analysis = |ticket: &PlannedTicket| {
            (place(ticket), self.steps[ticket.step].stage.name.clone(), self.other_replicate(ticket))
        };
        let (tickets, analyses) =
            (numbers(self.tickets.iter().map(place)), numbers(self.analyses.iter().map(analysis)));
        let all = self.tickets.iter_mut().chain(&mut self.analyses);
        all.zip(tickets.into_iter().chain(analyses)).for_each(|(ticket, branch)| ticket.branch = branch);
        self
    }
}

/// How often each item was there before.
fn numbers<T: Eq + Hash>(items: impl Iterator<Item = T>) -> Vec<u32> {
    let mut seen: HashMap<T, u32> = HashMap::new();
    let number = |item| {
        let seen = seen.entry(item).or_default();
        *seen += 1;
        *seen - 1
    };
    items.map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn an_item_s_number_is_how_often_it_was_there_before() {
        assert_eq!(numbers(["a", "b", "a", "a", "b"].into_iter()), [0, 0, 1, 2, 1]);
    }
}
