//! What has become of each step, and which can run next. An end costs as much as follows it, not the plan's length.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::recorded::Recorded;
use crate::plan::Plan;

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Waiting,
    Running,
    Done,
    /// Its training diverged: an outcome, and nothing follows it.
    Diverged,
    FollowsDiverged,
    /// Behind a stop rule that was broken.
    Stopped,
    Failed(String),
}

impl State {
    fn ended(&self) -> bool {
        !matches!(self, State::Waiting | State::Running)
    }
}

/// How each step of a plan stands before a run: what is recorded, what waits, and what will not run because of what is
/// recorded.
pub fn standing(plan: &Plan, recorded: &[Option<Recorded>]) -> Vec<State> {
    Board::new(plan, recorded).into_states()
}

pub struct Board<'a> {
    plan: &'a Plan,
    states: Vec<State>,
    /// Validation accuracy at early stop, where a step has it: what stop rules compare.
    accuracy: Vec<Option<f64>>,
    /// Of each step, those that need it, as often as they do.
    followers: Vec<Vec<usize>>,
    /// Of each step, how many of its needs have not ended.
    unmet: Vec<usize>,
    /// Of each step, the iterations of the longest chain that begins with it.
    costs: Vec<u64>,
    /// What can run, the longest chain first.
    ready: BinaryHeap<(u64, Reverse<usize>)>,
    running: usize,
    /// Steps that could begin, but that another run works on.
    aside: Vec<usize>,
}

impl<'a> Board<'a> {
    /// `recorded` is what the store has of each step.
    pub fn new(plan: &'a Plan, recorded: &[Option<Recorded>]) -> Board<'a> {
        let steps = plan.steps.len();
        let mut board = Board {
            plan,
            states: vec![State::Waiting; steps],
            accuracy: vec![None; steps],
            followers: vec![Vec::new(); steps],
            unmet: vec![0; steps],
            costs: costs(plan),
            ready: BinaryHeap::new(),
            running: 0,
            aside: Vec::new(),
        };
        // Steps stand in the plan after what they need.
        for (step, recorded) in recorded.iter().enumerate() {
            for need in needs(plan, step) {
                board.followers[need].push(step);
                board.unmet[step] += usize::from(!board.states[need].ended());
            }
            match recorded {
                Some(recorded) => board.end(step, recorded.state(), recorded.accuracy),
                None => board.settle(step),
            }
        }
        board
    }

    /// The ready step of the longest chain, which now runs.
    pub fn begin(&mut self) -> Option<usize> {
        let (_, Reverse(step)) = self.ready.pop()?;
        self.states[step] = State::Running;
        self.running += 1;
        Some(step)
    }

    /// A running step has ended, with what it scored.
    pub fn ended(&mut self, step: usize, state: State, accuracy: Option<f64>) {
        self.running -= 1;
        self.end(step, state, accuracy);
    }

    /// A running step was stopped before its end, and can begin anew.
    pub fn interrupted(&mut self, step: usize) {
        self.running -= 1;
        self.states[step] = State::Waiting;
        self.settle(step);
    }

    /// A step that was to run is another run's: it waits until `back`.
    pub fn aside(&mut self, step: usize) {
        self.running -= 1;
        self.states[step] = State::Waiting;
        self.aside.push(step);
    }

    /// Those that other runs work on can be tried again.
    pub fn back(&mut self) {
        let aside = std::mem::take(&mut self.aside);
        self.ready.extend(aside.into_iter().map(|step| (self.costs[step], Reverse(step))));
    }

    /// How many steps other runs work on.
    pub fn elsewhere(&self) -> usize {
        self.aside.len()
    }

    pub fn running(&self) -> usize {
        self.running
    }

    /// How many steps could begin now.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    pub fn into_states(self) -> Vec<State> {
        self.states
    }

    /// Ends a step and all that cannot run because of it, and readies what waited for nothing else.
    fn end(&mut self, step: usize, state: State, accuracy: Option<f64>) {
        self.states[step] = state;
        self.accuracy[step] = accuracy;
        let mut ended = vec![step];
        while let Some(step) = ended.pop() {
            for follower in std::mem::take(&mut self.followers[step]) {
                self.unmet[follower] -= 1;
                self.settle_into(follower, &mut ended);
            }
        }
    }

    fn settle(&mut self, step: usize) {
        let mut ended = Vec::new();
        self.settle_into(step, &mut ended);
    }

    /// Looks at a step that waits: it ends where it cannot run, and is ready where its needs have ended.
    fn settle_into(&mut self, step: usize, ended: &mut Vec<usize>) {
        if self.states[step] != State::Waiting {
            return;
        }
        if let Some(state) = self.barred(step) {
            self.states[step] = state;
            ended.push(step);
        } else if self.unmet[step] == 0 {
            self.ready.push((self.costs[step], Reverse(step)));
        }
    }

    /// How a step ends that cannot run because of what came before it.
    fn barred(&self, step: usize) -> Option<State> {
        if self.plan.steps[step].gates.iter().any(|gate| gate.broken(|s| self.accuracy[s]) == Some(true)) {
            return Some(State::Stopped);
        }
        needs(self.plan, step).find_map(|need| match &self.states[need] {
            State::Diverged | State::FollowsDiverged => Some(State::FollowsDiverged),
            State::Stopped => Some(State::Stopped),
            State::Failed(_) => Some(State::Failed("follows a step that failed".into())),
            _ => None,
        })
    }
}

/// Of each step, the iterations of the longest chain that begins with it.
fn costs(plan: &Plan) -> Vec<u64> {
    let mut costs: Vec<u64> = plan.steps.iter().map(|step| step.iterations).collect();
    for number in (0..plan.steps.len()).rev() {
        if let Some(parent) = plan.steps[number].parent {
            costs[parent] = costs[parent].max(plan.steps[parent].iterations + costs[number]);
        }
    }
    costs
}

/// What a step needs to have ended first: its parent, a training that it rewinds into, the one that it compares with, the
/// tickets of its stop rules.
fn needs(plan: &Plan, step: usize) -> impl Iterator<Item = usize> + '_ {
    let step = &plan.steps[step];
    let gates = step.gates.iter().flat_map(|gate| [gate.ticket, gate.dense]);
    let rewinds = step.rewinds.map(|(training, _)| training);
    step.parent.into_iter().chain(rewinds).chain(step.other).chain(gates)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::plan::{Gate, Step};
    use crate::registry::Use;

    /// A plan of steps that follow these parents, with these iterations.
    fn plan(steps: &[(Option<usize>, u64)]) -> Plan {
        let stage = Arc::new(Use { name: "train".into(), config: Value::Null, version: 1 });
        let step = |(number, (parent, iterations)): (usize, &(Option<usize>, u64))| Step {
            id: number.to_string(),
            stage: stage.clone(),
            root: Arc::default(),
            parent: *parent,
            other: None,
            variant: 0,
            pipeline: "imp".into(),
            replicate: 0,
            level: 0,
            draw: 0,
            position: 0,
            iterations: *iterations,
            rewinds: None,
            snapshots: Default::default(),
            gates: Vec::new(),
            layers: Vec::new(),
            divided: false,
            about: false,
        };
        Plan {
            variants: Vec::new(),
            steps: steps.iter().enumerate().map(step).collect(),
            tickets: Vec::new(),
            analyses: Vec::new(),
        }
    }

    /// Runs all that can run, one after the other, each with its outcome.
    fn ran(board: &mut Board<'_>, outcome: impl Fn(usize) -> (State, Option<f64>)) -> Vec<usize> {
        let next = || {
            let step = board.begin()?;
            let (state, accuracy) = outcome(step);
            board.ended(step, state, accuracy);
            Some(step)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn the_step_of_the_longest_chain_runs_first_and_what_is_recorded_not_at_all() {
        // 0 → 1 → 2 is 11 long after 0, 0 → 3 is 7.
        let plan = plan(&[(None, 5), (Some(0), 1), (Some(1), 10), (Some(0), 7), (None, 6)]);
        let done = |_| (State::Done, None);
        assert_eq!(ran(&mut Board::new(&plan, &[const { None }; 5]), done), [0, 1, 2, 3, 4]);
        let mut recorded = [const { None }; 5];
        recorded[0] = Some(Recorded { diverged: false, accuracy: None, experiment: None });
        recorded[2] = recorded[0].clone();
        assert_eq!(ran(&mut Board::new(&plan, &recorded), done), [1, 3, 4]);
    }

    #[test]
    fn what_follows_a_failure_does_not_run_and_all_else_does() {
        let plan = plan(&[(None, 9), (Some(0), 5), (Some(1), 5), (Some(0), 1)]);
        let mut board = Board::new(&plan, &[const { None }; 4]);
        let failed = State::Failed("no memory".into());
        let outcome = |step| (if step == 1 { failed.clone() } else { State::Done }, None);
        assert_eq!(ran(&mut board, outcome), [0, 1, 3]);
        let follows = State::Failed("follows a step that failed".into());
        assert_eq!(board.into_states(), [State::Done, failed, follows, State::Done]);
    }

    #[test]
    fn behind_a_broken_stop_rule_nothing_runs() {
        let mut plan = plan(&[(None, 1), (Some(0), 1), (Some(1), 1), (Some(2), 1)]);
        plan.steps[2].gates = vec![Gate { ticket: 1, dense: 0, drop: 0.1 }];
        for (accuracy, states) in [(0.8, [State::Stopped, State::Stopped]), (0.9, [State::Done, State::Done])] {
            let mut board = Board::new(&plan, &[const { None }; 4]);
            ran(&mut board, |step| (State::Done, Some(if step == 1 { accuracy } else { 1.0 })));
            assert_eq!(board.into_states()[2..], states);
        }
    }

    #[test]
    fn a_step_that_another_run_works_on_waits_aside_while_others_run() {
        let plan = plan(&[(None, 5), (Some(0), 1), (None, 2)]);
        let mut board = Board::new(&plan, &[const { None }; 3]);
        let first = board.begin().unwrap();
        board.aside(first);
        assert_eq!((first, board.begin(), board.begin()), (0, Some(2), None));
        board.ended(2, State::Done, None);
        assert_eq!((board.running(), board.elsewhere()), (0, 1));
        board.back();
        assert_eq!((board.begin(), board.elsewhere()), (Some(0), 0));
        board.ended(0, State::Done, None);
        assert_eq!(board.begin(), Some(1));
    }

    #[test]
    fn an_interrupted_step_can_begin_anew() {
        let plan = plan(&[(None, 1)]);
        let mut board = Board::new(&plan, &[None]);
        let step = board.begin().unwrap();
        board.interrupted(step);
        assert_eq!((board.running(), board.begin()), (0, Some(step)));
    }
}
