//! The loop at the heart: whatever is ready and not in the store runs, the longest chain first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::board::{Board, State};
use super::checkpoint::Hear;
use super::claim::Claim;
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
    /// Another run has completed it.
    fn taken(&self, _step: usize) {}
    /// Nothing is left to do but for so many steps that other runs work on; 0 when there is something again.
    fn waits(&self, _steps: usize) {}
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
    /// When steps that other runs work on are tried again.
    again: Instant,
    /// How many of them were waited for last.
    waited: usize,
}

/// How often it is tried.
const AGAIN: Duration = Duration::from_millis(200);

/// A step that begins, with its threads.
struct Begun {
    step: usize,
    threads: usize,
    claim: Claim,
}

/// Runs a plan's steps, but for those recorded, until all have ended or `stop` is set.
pub fn run(
    shared: &Shared<'_>,
    recorded: &[Option<Recorded>],
    limits: Limits,
    watch: &dyn Watch,
    stop: &AtomicBool,
) -> Finished {
    let desk = Mutex::new(Desk { board: Board::new(shared.plan, recorded), used: 0, again: Instant::now(), waited: 0 });
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
            let Some(Begun { step, threads, claim }) = self.begin(&mut desk) else {
                if desk.board.running() + desk.board.elsewhere() == 0 {
                    return;
                }
                desk = self.wait(desk);
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
            drop(claim);
            desk = self.desk();
            desk.used -= threads;
            self.settle(&mut desk.board, step, result);
            self.changed.notify_all();
        }
    }

    /// The next step that no other run works on, and how many threads it gets.
    fn begin(&self, desk: &mut Desk<'a>) -> Option<Begun> {
        let (step, claim) = self.claimed(desk)?;
        let idle = self.limits.jobs.saturating_sub(desk.board.running());
        let unused = self.limits.threads.saturating_sub(desk.used);
        let threads = share::threads(unused, 1 + desk.board.ready().min(idle));
        desk.used += threads;
        Some(Begun { step, threads, claim })
    }

    /// The ready step of the longest chain that can be claimed. What another run has completed meanwhile has ended.
    fn claimed(&self, desk: &mut Desk<'a>) -> Option<(usize, Claim)> {
        if desk.board.elsewhere() > 0 && Instant::now() >= desk.again {
            desk.board.back();
        }
        while let Some(step) = desk.board.begin() {
            let id = &self.shared.plan.steps[step].id;
            let Some(claim) = Claim::of(self.shared.store, id) else {
                desk.board.aside(step);
                desk.again = Instant::now() + AGAIN;
                continue;
            };
            let Some(record) = self.shared.store.brief(id, &mut Vec::new()) else {
                self.tell_waiting(desk, 0);
                return Some((step, claim));
            };
            let recorded = Recorded::from(record);
            desk.board.ended(step, recorded.state(), recorded.accuracy);
            self.watch.taken(step);
            self.changed.notify_all();
        }
        None
    }

    /// Until a step ends: whoever runs one wakes the others then. Of other runs' steps nobody tells, so they are tried again.
    fn wait<'d>(&self, mut desk: MutexGuard<'d, Desk<'a>>) -> MutexGuard<'d, Desk<'a>> {
        if desk.board.elsewhere() == 0 {
            return self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        if desk.board.running() == 0 {
            let steps = desk.board.elsewhere();
            self.tell_waiting(&mut desk, steps);
        }
        self.changed.wait_timeout(desk, AGAIN).unwrap_or_else(PoisonError::into_inner).0
    }

    fn tell_waiting(&self, desk: &mut Desk<'a>, steps: usize) {
        if std::mem::replace(&mut desk.waited, steps) != steps {
            self.watch.waits(steps);
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
