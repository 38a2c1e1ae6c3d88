//! Which pipelines have a step: a plan holds it once, under the first.

use super::Plan;

impl Plan {
    /// Of each step, the names of the pipelines that have it, of whatever variant: a control has its pipeline's steps up to
    /// where it forks.
    pub fn pipelines(&self) -> Vec<Vec<&str>> {
        let mut pipelines: Vec<Vec<&str>> = vec![Vec::new(); self.steps.len()];
        let of_tickets =
            self.tickets.iter().chain(&self.analyses).map(|ticket| (ticket.pipeline.as_str(), ticket.step));
        // What a pipeline does after its last ticket is of no ticket.
        let of_steps = self.steps.iter().enumerate().map(|(number, step)| (&*step.pipeline, number));
        for (name, last) in of_tickets.chain(of_steps) {
            let mut at = Some(last);
            while let Some(step) = at.filter(|step| !pipelines[*step].contains(&name)) {
                pipelines[step].push(name);
                at = self.steps[step].parent;
            }
        }
        pipelines
    }
}
