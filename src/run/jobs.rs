//! The loop at the heart: whatever is ready and not in the store runs, the longest chain first, one thread a job.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::crash;
use super::lab::Shared;
use crate::plan::{Gate, Plan};
use crate::record::Record;
use crate::stage::Failure;

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

/// A step at work, for who watches.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub step: usize,
    /// Which of the workers runs it, from 0.
    pub worker: usize,
}

/// Hears of a run's progress. Called from every worker.
pub trait Watch: Sync {
    fn began(&self, job: Job);
    /// Iterations done so far in this step.
    fn advanced(&self, job: Job, iterations: u64);
    fn ended(&self, job: Job, result: Result<&Record, &str>);
}

/// How a run ended.
pub struct Finished {
    /// Of each step of the plan.
    pub states: Vec<State>,
    /// Steps that ran now; the others were in the store or could not run.
    pub ran: usize,
    pub interrupted: bool,
}

struct Board {
    states: Vec<State>,
    /// Validation accuracy at early stop, where a step has it: what stop rules compare.
    accuracy: Vec<Option<f64>>,
    ran: usize,
}

/// Runs a plan's steps with this many jobs, until all have ended or `stop` is set.
pub fn run(shared: &Shared<'_>, jobs: usize, watch: &dyn Watch, stop: &AtomicBool) -> Finished {
    let plan = shared.plan;
    let mut board = Board { states: Vec::new(), accuracy: Vec::new(), ran: 0 };
    for step in &plan.steps {
        let record = shared.store.complete(&step.id);
        board.accuracy.push(record.as_ref().and_then(accuracy));
        board.states.push(record.as_ref().map_or(State::Waiting, state));
    }
    let (board, changed) = (Mutex::new(board), Condvar::new());
    let costs = costs(plan);
    std::thread::scope(|scope| {
        for worker in 0..jobs.max(1) {
            let (board, changed, costs) = (&board, &changed, &costs);
            scope.spawn(move || work(shared, worker, board, changed, costs, watch, stop));
        }
    });
    let board = board.into_inner().unwrap_or_else(PoisonError::into_inner);
    Finished { states: board.states, ran: board.ran, interrupted: stop.load(Ordering::Relaxed) }
}

fn state(record: &Record) -> State {
    match record.training.as_ref().and_then(|t| t.diverged) {
        Some(_) => State::Diverged,
        None => State::Done,
    }
}

fn accuracy(record: &Record) -> Option<f64> {
    record.scores.as_ref().map(|scores| scores.validation_accuracy)
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

/// One worker: takes the ready step of the longest chain, until none is left.
fn work(
    shared: &Shared<'_>,
    worker: usize,
    board: &Mutex<Board>,
    changed: &Condvar,
    costs: &[u64],
    watch: &dyn Watch,
    stop: &AtomicBool,
) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let mut held = lock(board);
    while !stop.load(Ordering::Relaxed) {
        settle(shared.plan, &mut held);
        let Some(step) = ready(shared.plan, &held, costs) else {
            changed.notify_all();
            if !held.states.contains(&State::Running) {
                return;
            }
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        held.states[step] = State::Running;
        drop(held);
        let job = Job { step, worker };
        // Whatever happens to a step, its place on the board is settled: others wait for it.
        let worked = crash::guarded(|| {
            watch.began(job);
            match &pool {
                Ok(pool) => pool.install(|| attempt(shared, job, watch, stop)),
                Err(e) => Err(Failure::Failed(format!("no thread to be had: {e}"))),
            }
        });
        let result = worked.unwrap_or_else(|crash| Err(Failure::Failed(crash)));
        let told = result.as_ref().map_err(|e| e.to_string());
        let _ = crash::guarded(|| watch.ended(job, told.as_ref().map(|r| *r).map_err(String::as_str)));
        held = lock(board);
        held.states[step] = match &result {
            Ok(record) => state(record),
            Err(Failure::Interrupted) => State::Waiting,
            Err(Failure::Failed(message)) => State::Failed(message.clone()),
        };
        held.accuracy[step] = result.as_ref().ok().and_then(accuracy);
        held.ran += usize::from(result.is_ok());
        changed.notify_all();
    }
}

/// Runs a step; a panic in it is its failure, and no other job's.
fn attempt(shared: &Shared<'_>, job: Job, watch: &dyn Watch, stop: &AtomicBool) -> Result<Record, Failure> {
    let progress = |iterations| {
        watch.advanced(job, iterations);
        !stop.load(Ordering::Relaxed)
    };
    crash::guarded(|| shared.step(job.step, &progress)).unwrap_or_else(|crash| Err(Failure::Failed(crash)))
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a step needs to have ended first: its parent, a training that it rewinds into, the tickets of its stop rules.
fn needs(plan: &Plan, step: usize) -> impl Iterator<Item = usize> + '_ {
    let step = &plan.steps[step];
    let gates = step.gates.iter().flat_map(|gate| [gate.ticket, gate.dense]);
    step.parent.into_iter().chain(step.rewinds.map(|(training, _)| training)).chain(gates)
}

fn ready(plan: &Plan, board: &Board, costs: &[u64]) -> Option<usize> {
    let waiting = (0..plan.steps.len()).filter(|step| board.states[*step] == State::Waiting);
    let ready = waiting.filter(|step| needs(plan, *step).all(|need| board.states[need].ended()));
    ready.max_by_key(|step| (costs[*step], std::cmp::Reverse(*step)))
}

/// Ends the steps that cannot run, because of what came before them. Steps stand in the plan after what they need, so
/// one pass is enough.
fn settle(plan: &Plan, board: &mut Board) {
    for step in 0..plan.steps.len() {
        if board.states[step] != State::Waiting {
            continue;
        }
        let broken = plan.steps[step].gates.iter().any(|gate| broken(gate, |s| board.accuracy[s]) == Some(true));
        let from = needs(plan, step).find_map(|need| match &board.states[need] {
            State::Diverged | State::FollowsDiverged => Some(State::FollowsDiverged),
            State::Stopped => Some(State::Stopped),
            State::Failed(_) => Some(State::Failed("follows a step that failed".into())),
            _ => None,
        });
        match (broken, from) {
            (true, _) => board.states[step] = State::Stopped,
            (false, Some(state)) => board.states[step] = state,
            (false, None) => {}
        }
    }
}

/// Whether a stop rule is broken, as far as its two tickets are known.
pub fn broken(gate: &Gate, accuracy: impl Fn(usize) -> Option<f64>) -> Option<bool> {
    // A hair of tolerance: both are ratios of whole numbers, and 0.98 − 0.96 is not quite 0.02.
    Some(accuracy(gate.dense)? - accuracy(gate.ticket)? > gate.drop + 1e-9)
}
