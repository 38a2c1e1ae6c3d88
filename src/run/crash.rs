//! A crash of a part is its failure, told in a line, and no other part's.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Of each part at work on this thread, where it panicked.
    static PLACES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Does it, and makes of a panic an error that says where and what. Nothing is printed.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(listen);
    PLACES.with_borrow_mut(|places| places.push(String::new()));
    let result = catch_unwind(AssertUnwindSafe(work));
    let place = PLACES.with_borrow_mut(Vec::pop).unwrap_or_default();
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("crashed{place}: {}; this is a bug in Tombola or a plugin", text.unwrap_or("without a message"))
    })
}

/// Notes a guarded part's panic instead of printing it; others are printed as ever.
fn listen() {
    let printed = take_hook();
    set_hook(Box::new(move |panic| {
        let place = panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        let noted = PLACES.with_borrow_mut(|places| places.last_mut().map(|last| *last = place).is_some());
        if !noted {
            printed(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_where_and_what() {
        let inner = || guarded(|| panic!("a plugin's {}", "mistake"));
        let told: Result<Result<(), String>, String> = guarded(inner);
        let told = told.unwrap().unwrap_err();
        assert!(told.starts_with("crashed at src/run/crash.rs:") && told.contains(": a plugin's mistake;"), "{told}");
        assert_eq!(guarded(|| 2), Ok(2));
    }
}
