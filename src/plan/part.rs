//! A part of a plan: some of its tickets, with all that they follow from.

use std::collections::{BTreeSet, HashMap};

use super::{Gate, Plan, PlannedTicket, Step};

impl Plan {
    /// Tickets and analyses, in the order of the results.
    pub fn results(&self) -> impl Iterator<Item = &PlannedTicket> {
        self.tickets.iter().chain(&self.analyses)
    }

    /// The steps that these follow from, themselves too: parents, what they are compared with, the trainings that they
    /// rewind to, and what decides whether they run at all.
    pub fn chains(&self, steps: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let (mut open, mut found) = (Vec::from_iter(steps), BTreeSet::new());
        while let Some(number) = open.pop() {
            if found.insert(number) {
                open.extend(self.before(&self.steps[number]));
            }
        }
        found
    }

    fn before<'a>(&self, step: &'a Step) -> impl Iterator<Item = usize> + 'a {
        let gates = step.gates.iter().flat_map(|gate| [gate.ticket, gate.dense]);
        step.parent.into_iter().chain(step.other).chain(step.rewinds.map(|(training, _)| training)).chain(gates)
    }

    /// The plan of these steps alone, which must be whole chains, with every ticket that they give.
    pub fn part(&self, steps: &BTreeSet<usize>) -> Plan {
        let now: HashMap<usize, usize> = steps.iter().enumerate().map(|(now, number)| (*number, now)).collect();
        let gate = |gate: &Gate| Some(Gate { ticket: *now.get(&gate.ticket)?, dense: *now.get(&gate.dense)?, ..*gate });
        let gates = |gates: &[Gate]| gates.iter().map(gate).collect::<Option<Vec<_>>>();
        let step = |number: &usize| {
            let step = &self.steps[*number];
            Step {
                parent: step.parent.map(|parent| now[&parent]),
                other: step.other.map(|other| now[&other]),
                rewinds: step.rewinds.map(|(training, k)| (now[&training], k)),
                gates: gates(&step.gates).unwrap_or_default(),
                ..step.clone()
            }
        };
        // A ticket whose stop rule looks at steps that are not here would be told wrong.
        let ticket = |ticket: &PlannedTicket| {
            let (step, gates) = (*now.get(&ticket.step)?, gates(&ticket.gates)?);
            let bound = ticket.bound.as_ref().map(gate);
            let bound = if bound == Some(None) { return None } else { bound.flatten() };
            Some(PlannedTicket { step, gates, bound, ..ticket.clone() })
        };
        Plan {
            variants: self.variants.clone(),
            steps: steps.iter().map(step).collect(),
            tickets: self.tickets.iter().filter_map(ticket).collect(),
            analyses: self.analyses.iter().filter_map(ticket).collect(),
        }
    }
}
