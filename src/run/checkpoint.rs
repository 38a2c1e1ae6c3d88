//! When a step's trainings write checkpoints, and what their time is counted as.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use super::checkpoint_file::Contents;
use super::partial::Partial;
use crate::train::{Checkpoint, Found, Keeper};

/// Hears of a step at work.
pub trait Hear {
    /// So many of its iterations are done; `false` asks it to stop.
    fn advanced(&self, iterations: u64) -> bool;
    /// It goes on from a checkpoint, at so many iterations.
    fn resumed(&self, iterations: u64);
    /// What its user should know, in a line.
    fn warned(&self, text: &str);
}

/// The share of a training's time that its checkpoints may take: one in so many parts.
const SHARE: u32 = 100;

/// Keeps the checkpoints of one step at work.
pub struct Checkpoints<'a> {
    partial: Partial<'a>,
    id: &'a str,
    /// How far apart; `None` where none are written.
    every: Option<Duration>,
    /// Bytes that the step will leave: a checkpoint that takes their room would be in the way of what it is for.
    leaves: u64,
    hear: &'a dyn Hear,
    /// The training that runs, counted from 1, and the iterations of those before it.
    training: Cell<u32>,
    done: Cell<u64>,
    /// Seconds of the step when its clock was set, and when that was.
    clock: Cell<(f64, Instant)>,
    /// Seconds of the checkpoint that was found last.
    found: Cell<f64>,
    next: Cell<Option<Instant>>,
    /// Which iteration the last checkpoint has.
    last: Cell<Option<u64>>,
    warned: Cell<bool>,
}

impl<'a> Checkpoints<'a> {
    /// Of a step that is estimated to leave so many bytes.
    pub fn of(
        partial: Partial<'a>,
        id: &'a str,
        every: Option<Duration>,
        leaves: u64,
        hear: &'a dyn Hear,
    ) -> Checkpoints<'a> {
        Checkpoints {
            partial,
            id,
            every,
            leaves,
            hear,
            training: Cell::new(0),
            done: Cell::new(0),
            clock: Cell::new((0.0, Instant::now())),
            found: Cell::new(0.0),
            next: Cell::new(None),
            last: Cell::new(None),
            warned: Cell::new(false),
        }
    }

    /// Seconds that the step has taken, as far as its work counts: what was done after a checkpoint, and then lost, does not.
    pub fn seconds(&self) -> f64 {
        let (before, since) = self.clock.get();
        before + since.elapsed().as_secs_f64()
    }

    /// The next checkpoint comes after the time between two, and so late that writing takes its share at most.
    fn schedule(&self, taken: Duration) {
        let wait = self.every.map(|every| if every.is_zero() { every } else { every.max(taken * (SHARE - 1)) });
        self.next.set(wait.and_then(|wait| Instant::now().checked_add(wait)));
    }
}

impl Keeper for Checkpoints<'_> {
    fn begins(&self, done: u64) {
        self.training.set(self.training.get() + 1);
        self.done.set(done);
        self.last.set(None);
        self.schedule(Duration::ZERO);
    }

    fn found(&self) -> Option<Found> {
        let tell = |path: &Path, why: &str| {
            self.hear.warned(&format!("the checkpoint {} is passed over: {why}", path.display()));
        };
        let (contents, found) = self.partial.found(self.training.get().saturating_sub(1), &tell)?;
        self.found.set(contents.seconds);
        self.last.set(Some(found.stand.iteration));
        Some(found)
    }

    fn resumed(&self, iterations: u64) {
        self.clock.set((self.found.get(), Instant::now()));
        self.hear.resumed(self.done.get() + iterations);
    }

    fn passed_over(&self, why: &str) {
        self.last.set(None);
        self.hear.warned(&format!("a checkpoint of step {} is passed over: {why}", &self.id[..8]));
    }

    fn is_due(&self) -> bool {
        self.next.get().is_some_and(|next| Instant::now() >= next)
    }

    fn keeps(&self) -> bool {
        self.every.is_some()
    }

    fn keep(&self, checkpoint: Checkpoint<'_>) {
        let iteration = checkpoint.stand.iteration;
        if self.last.get() == Some(iteration) {
            return;
        }
        let begun = Instant::now();
        let training = self.training.get().saturating_sub(1);
        let contents = Contents::of(self.id, training, self.done.get(), self.seconds(), &checkpoint);
        match self.partial.put(&contents, checkpoint, self.leaves) {
            Ok(()) => self.last.set(Some(iteration)),
            Err(why) if !self.warned.replace(true) => {
                let text = format!("no checkpoint of step {} can be written: {why}; it goes on", &self.id[..8]);
                self.hear.warned(&text);
            }
            Err(_) => {}
        }
        self.schedule(begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Store;
    use crate::train::{Lazy, Stand};

    const ID: &str = "ab000000000000000000000000000000";

    #[derive(Default)]
    struct Heard {
        resumed: Cell<u64>,
        warned: Cell<usize>,
    }

    impl Hear for Heard {
        fn advanced(&self, _: u64) -> bool {
            true
        }

        fn resumed(&self, iterations: u64) {
            self.resumed.set(iterations);
        }

        fn warned(&self, _: &str) {
            self.warned.set(self.warned.get() + 1);
        }
    }

    fn checkpoint<'a>(iteration: u64) -> Checkpoint<'a> {
        let stand = Stand {
            begun: String::new(),
            from: 0,
            to: 50,
            iteration,
            curve: Default::default(),
            recent: Default::default(),
            best: None,
            snapshots: Vec::new(),
            learner: Vec::new(),
            optimizer: Vec::new(),
        };
        let lazy = Lazy { len: 1, fetch: Box::new(|| Ok(vec![1.0])) };
        Checkpoint { stand, arrays: vec![("now/w".into(), lazy)], masks: Vec::new() }
    }

    fn of<'a>(store: &'a Store, every: Option<Duration>, heard: &'a Heard) -> Checkpoints<'a> {
        Checkpoints::of(Partial::of(store, ID), ID, every, 1, heard)
    }

    #[test]
    fn seconds_go_on_from_those_of_the_checkpoint_and_each_training_of_a_step_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (store, heard) = (Store::open(folder.path()), Heard::default());
        let first = of(&store, Some(Duration::ZERO), &heard);
        first.clock.set((1000.0, Instant::now()));
        first.begins(0);
        first.keep(checkpoint(20));
        first.keep(checkpoint(50));
        first.clock.set((2000.0, Instant::now()));
        first.begins(50);
        first.keep(checkpoint(7));
        assert_eq!(Partial::of(&store, ID).iterations(), Some(57));
        let second = of(&store, None, &heard);
        second.begins(0);
        assert_eq!(second.found().unwrap().stand.iteration, 50);
        assert!(second.seconds() < 1000.0, "what is found is not gone on from yet");
        second.resumed(50);
        assert!((1000.0..2000.0).contains(&second.seconds()));
        second.begins(50);
        assert_eq!(second.found().unwrap().stand.iteration, 7);
        second.resumed(7);
        assert!(second.seconds() >= 2000.0);
        assert_eq!(heard.resumed.get(), 57);
        Partial::of(&store, ID).remove();
        assert!(second.found().is_none() && !folder.path().join("partial").exists());
    }

    #[test]
    fn the_next_checkpoint_comes_so_late_that_writing_takes_its_share_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let (store, heard) = (Store::open(folder.path()), Heard::default());
        let wait = |every: u64, taken: u64| {
            let checkpoints = of(&store, Some(Duration::from_secs(every)), &heard);
            checkpoints.schedule(Duration::from_secs(taken));
            (checkpoints.next.get().unwrap() - Instant::now()).as_secs_f64().round()
        };
        assert_eq!([wait(60, 0), wait(60, 2), wait(0, 2)], [60.0, 198.0, 0.0]);
        let never = of(&store, None, &heard);
        never.begins(0);
        assert!(!never.is_due() && !never.keeps());
    }

    #[test]
    fn what_cannot_be_written_is_told_once_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, heard) = (Store::open(folder.path()), Heard::default());
        std::fs::write(folder.path().join("partial"), "in the way").unwrap();
        let checkpoints = of(&store, Some(Duration::ZERO), &heard);
        checkpoints.begins(0);
        checkpoints.keep(checkpoint(1));
        checkpoints.keep(checkpoint(2));
        assert_eq!(heard.warned.get(), 1);
    }

    #[test]
    fn one_that_leaves_no_room_for_what_its_step_leaves_is_told_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (store, heard) = (Store::open(folder.path()), Heard::default());
        let every = Some(Duration::ZERO);
        let checkpoints = Checkpoints::of(Partial::of(&store, ID), ID, every, u64::MAX / 2, &heard);
        checkpoints.begins(0);
        checkpoints.keep(checkpoint(1));
        checkpoints.keep(checkpoint(2));
        assert_eq!((heard.warned.get(), Partial::of(&store, ID).iterations()), (1, None));
        let own = std::fs::read_dir(folder.path().join("tmp")).unwrap().flatten().find(|entry| entry.path().is_dir());
        assert_eq!(std::fs::read_dir(own.unwrap().path()).unwrap().count(), 0, "its room is free again");
    }

    #[test]
    fn one_of_another_step_is_told_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (store, heard) = (Store::open(folder.path()), Heard::default());
        let checkpoints = of(&store, Some(Duration::ZERO), &heard);
        checkpoints.begins(0);
        checkpoints.keep(checkpoint(1));
        let other = "ab000000000000000000000000000001";
        std::fs::rename(folder.path().join("partial/ab").join(ID), folder.path().join("partial/ab").join(other))
            .unwrap();
        let theirs = Checkpoints::of(Partial::of(&store, other), other, None, 1, &heard);
        theirs.begins(0);
        assert!(theirs.found().is_none() && Partial::of(&store, other).iterations().is_none());
        assert_eq!(heard.warned.get(), 1);
    }
}
