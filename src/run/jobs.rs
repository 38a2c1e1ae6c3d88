//! The loop at the heart: whatever is ready and not in the store runs, the longest chain first, one thread a job.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::board::{Board, State};
use super::crash;
use super::lab::Shared;
use super::recorded::Recorded;
use crate::record::Record;
use crate::stage::Failure;

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

/// What the workers share.
struct Work<'a> {
    shared: &'a Shared<'a>,
    board: Mutex<Board<'a>>,
    changed: Condvar,
    ran: AtomicUsize,
    watch: &'a dyn Watch,
    stop: &'a AtomicBool,
}

/// Runs a plan's steps with this many jobs, but for those recorded, until all have ended or `stop` is set.
pub fn run(
    shared: &Shared<'_>,
    recorded: &[Option<Recorded>],
    jobs: usize,
    watch: &dyn Watch,
    stop: &AtomicBool,
) -> Finished {
    let board = Mutex::new(Board::new(shared.plan, recorded));
    let work = Work { shared, board, changed: Condvar::new(), ran: AtomicUsize::new(0), watch, stop };
    std::thread::scope(|scope| {
        for worker in 0..jobs.max(1) {
            let work = &work;
            scope.spawn(move || work.steps(worker));
        }
    });
    let board = work.board.into_inner().unwrap_or_else(PoisonError::into_inner);
    Finished { states: board.into_states(), ran: work.ran.into_inner(), interrupted: stop.load(Ordering::Relaxed) }
}

impl<'a> Work<'a> {
    /// One worker: takes the ready step of the longest chain, until none is left.
    fn steps(&self, worker: usize) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let mut board = self.board();
        while !self.stop.load(Ordering::Relaxed) {
            let Some(step) = board.begin() else {
                self.changed.notify_all();
                if board.running() == 0 {
                    return;
                }
                board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(board);
            let job = Job { step, worker };
            // Whatever happens to a step, its place on the board is settled: others wait for it.
            let worked = crash::guarded(|| {
                self.watch.began(job);
                match &pool {
                    Ok(pool) => pool.install(|| attempt(self.shared, job, self.watch, self.stop)),
                    Err(e) => Err(Failure::Failed(format!("no thread to be had: {e}"))),
                }
            });
            let result = worked.unwrap_or_else(|crash| Err(Failure::Failed(crash)));
            let told = result.as_ref().map_err(|e| e.to_string());
            let _ = crash::guarded(|| self.watch.ended(job, told.as_ref().map(|r| *r).map_err(String::as_str)));
            board = self.board();
            self.settle(&mut board, step, result);
            self.changed.notify_all();
        }
    }

    fn settle(&self, board: &mut Board<'_>, step: usize, result: Result<Record, Failure>) {
        match result {
            Ok(record) => {
                let recorded = Recorded::of(&record);
                board.ended(step, recorded.state(), recorded.accuracy);
                self.ran.fetch_add(1, Ordering::Relaxed);
            }
            Err(Failure::Interrupted) => board.interrupted(step),
            Err(Failure::Failed(message)) => board.ended(step, State::Failed(message), None),
        }
    }

    fn board(&self) -> MutexGuard<'_, Board<'a>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
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
