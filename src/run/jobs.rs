//! The loop at the heart: whatever is ready and not in the store runs, the longest chain first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::board::{Board, State};
use super::checkpoint::Hear;
use super::crash;
use super::lab::Shared;
use super::recorded::Recorded;
use super::share::{self, Pool};
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
    /// The step goes on from a checkpoint, at so many iterations.
    fn resumed(&self, _: Job, _: u64) {}
    /// What the run's user should know, in a line.
    fn warned(&self, _: &str) {}
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

/// How much of the machine a run takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps side by side.
    pub jobs: usize,
    /// Threads of all of them together, but one for each at least.
    pub threads: usize,
}

/// What the workers share.
struct Work<'a> {
    shared: &'a Shared<'a>,
    limits: Limits,
    desk: Mutex<Desk<'a>>,
    changed: Condvar,
    ran: AtomicUsize,
    watch: &'a dyn Watch,
    stop: &'a AtomicBool,
}

struct Desk<'a> {
    board: Board<'a>,
    /// Threads that running steps have.
    used: usize,
}

/// Runs a plan's steps, but for those recorded, until all have ended or `stop` is set.
pub fn run(
    shared: &Shared<'_>,
    recorded: &[Option<Recorded>],
    limits: Limits,
    watch: &dyn Watch,
    stop: &AtomicBool,
) -> Finished {
    let desk = Mutex::new(Desk { board: Board::new(shared.plan, recorded), used: 0 });
    let work = Work { shared, limits, desk, changed: Condvar::new(), ran: AtomicUsize::new(0), watch, stop };
    std::thread::scope(|scope| {
        for worker in 0..limits.jobs.max(1) {
            let work = &work;
            scope.spawn(move || work.steps(worker));
        }
    });
    let desk = work.desk.into_inner().unwrap_or_else(PoisonError::into_inner);
    let interrupted = stop.load(Ordering::Relaxed);
    Finished { states: desk.board.into_states(), ran: work.ran.into_inner(), interrupted }
}

impl<'a> Work<'a> {
    /// One worker: takes the ready step of the longest chain, until none is left.
    fn steps(&self, worker: usize) {
        let mut pool = Pool::default();
        let mut desk = self.desk();
        while !self.stop.load(Ordering::Relaxed) {
            let Some((step, threads)) = self.begin(&mut desk) else {
                // Whoever runs a step wakes the others when it ends.
                if desk.board.running() == 0 {
                    return;
                }
                desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(desk);
            let job = Job { step, worker };
            // Whatever happens to a step, its place on the board is settled: others wait for it.
            let worked = crash::guarded(|| {
                self.watch.began(job);
                pool.of(threads)?.install(|| attempt(self.shared, job, self.watch, self.stop))
            });
            let result = worked.unwrap_or_else(|crash| Err(Failure::Failed(crash)));
            let told = result.as_ref().map_err(|e| e.to_string());
            let _ = crash::guarded(|| self.watch.ended(job, told.as_ref().map(|r| *r).map_err(String::as_str)));
            desk = self.desk();
            desk.used -= threads;
            self.settle(&mut desk.board, step, result);
            self.changed.notify_all();
        }
    }

    /// The next step, and how many threads it gets.
    fn begin(&self, desk: &mut Desk<'a>) -> Option<(usize, usize)> {
        let step = desk.board.begin()?;
        let idle = self.limits.jobs.saturating_sub(desk.board.running());
        let unused = self.limits.threads.saturating_sub(desk.used);
        let threads = share::threads(unused, 1 + desk.board.ready().min(idle));
        desk.used += threads;
        Some((step, threads))
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

    fn desk(&self) -> MutexGuard<'_, Desk<'a>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a step; a panic in it is its failure, and no other job's.
fn attempt(shared: &Shared<'_>, job: Job, watch: &dyn Watch, stop: &AtomicBool) -> Result<Record, Failure> {
    let ear = Ear { job, watch, stop };
    crash::guarded(|| shared.step(job.step, &ear)).unwrap_or_else(|crash| Err(Failure::Failed(crash)))
}

/// Tells of one step at work.
struct Ear<'a> {
    job: Job,
    watch: &'a dyn Watch,
    stop: &'a AtomicBool,
}

impl Hear for Ear<'_> {
    fn advanced(&self, iterations: u64) -> bool {
        self.watch.advanced(self.job, iterations);
        !self.stop.load(Ordering::Relaxed)
    }

    fn resumed(&self, iterations: u64) {
        self.watch.resumed(self.job, iterations);
    }

    fn warned(&self, text: &str) {
        self.watch.warned(text);
    }
}
