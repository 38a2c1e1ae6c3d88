//! What a run would take of the memory.

use super::Joined;
use crate::cli::open::Opened;
use crate::plan::Step;
use crate::run::memory;
use crate::units::size;

/// By `run`'s own estimates, in bytes.
pub struct Memory<'a> {
    pub data: u64,
    /// Of decoded images in a file, of which the system holds what it has room for.
    pub mapped: u64,
    /// The new step that needs most, and how much.
    pub step: Option<(&'a Step, u64)>,
    /// What is free, or may be taken.
    pub free: Option<u64>,
}

impl Memory<'_> {
    pub fn of<'a>(opened: &'a Opened, new: &[bool], free: Option<u64>) -> Memory<'a> {
        let steps = opened.plan.steps.iter().zip(new).filter(|(_, new)| **new).map(|(step, _)| step);
        Memory {
            data: memory::of_data(&opened.spec),
            mapped: memory::of_images(&opened.spec),
            step: memory::greatest(&memory::needs(&opened.plan, steps)),
            free,
        }
    }

    /// Of the program, the data and one step.
    pub fn least(&self) -> u64 {
        let step = self.step.map_or(0, |(_, bytes)| bytes);
        memory::PROGRAM.saturating_add(self.data).saturating_add(step)
    }
}

/// "about 76.0 MB: 45.0 MB for the program, 14.9 MB for data, 16.1 MB for the step that needs most (dense, level 0); 5.2 GB
/// free".
pub fn words(joined: &Joined<'_>) -> String {
    let Memory { data, mapped, step, free } = &joined.memory;
    let Some((step, bytes)) = step else { return "none to speak of".into() };
    let number = joined.plan().steps.iter().position(|other| std::ptr::eq(other, *step));
    let place = number.map_or_else(String::new, |number| joined.place(number, None));
    let free = free.map_or("how much is free is unknown".into(), |free| format!("{} free", size(free)));
    let beside = match mapped {
        0 => String::new(),
        mapped => format!(", beside {} of images that are read as they are needed", size(*mapped)),
    };
    let [all, program, data, bytes] = [joined.memory.least(), memory::PROGRAM, *data, *bytes].map(size);
    format!(
        "about {all}: {program} for the program, {data} for data, {bytes} for the step that needs most ({place}){beside}; {free}"
    )
}
