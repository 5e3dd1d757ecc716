//! Weakens each ordering by one step.

use super::find::Edit;
use crate::source::{enclosing_call, words};

const NAMES: &[&str] = &["SeqCst", "AcqRel", "Acquire", "Release"];

/// The operation that an ordering belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Load,
    Store,
    /// Both: a read-modify-write.
    Update,
    Fence,
}

/// Returns an edit for every ordering of `code` that can be weakened.
pub fn weakened(code: &str) -> Vec<Edit> {
    let orderings = words(code).filter(|(_, word)| NAMES.contains(word));
    orderings
        .flat_map(|(at, name)| edits(code, at, name))
        .collect()
}

fn edits(code: &str, at: usize, name: &str) -> Vec<Edit> {
    let is_qualified = code[..at].ends_with("::");
    // The file may not import the weaker one.
    let path = if is_qualified {
        ""
    } else {
        "crate::primitive::Ordering::"
    };
    let edit = |weaker: &&str| Edit {
        range: at..at + name.len(),
        replacement: format!("{path}{weaker}"),
        change: format!("{name} -> {weaker}"),
    };
    weaker(name, role(code, at)).iter().map(edit).collect()
}

fn role(code: &str, at: usize) -> Role {
    match enclosing_call(code, at) {
        Some(("load", _)) => Role::Load,
        Some(("store", _)) => Role::Store,
        Some(("fence", _)) => Role::Fence,
        // The ordering in case of failure.
        Some(("compare_exchange" | "compare_exchange_weak", 3)) => Role::Load,
        Some(("fetch_update" | "try_update", 1)) => Role::Load,
        _ => Role::Update,
    }
}

/// Returns the orderings that are one step weaker. There is no Relaxed fence; a missing fence is a separate
/// mutant.
fn weaker(name: &str, role: Role) -> &'static [&'static str] {
    match (name, role) {
        ("SeqCst", Role::Load) => &["Acquire"],
        ("SeqCst", Role::Store) => &["Release"],
        ("SeqCst", Role::Update | Role::Fence) => &["AcqRel"],
        ("AcqRel", _) => &["Acquire", "Release"],
        (_, Role::Fence) => &[],
        _ => &["Relaxed"],
    }
}

#[cfg(test)]
mod tests {
    use super::weakened;

    fn changes(code: &str) -> Vec<String> {
        weakened(code).into_iter().map(|edit| edit.change).collect()
    }

    #[test]
    fn each_ordering_loses_one_step() {
        assert_eq!(changes("a.load(Acquire)"), ["Acquire -> Relaxed"]);
        assert_eq!(changes("a.load(Ordering::SeqCst)"), ["SeqCst -> Acquire"]);
        assert_eq!(changes("a.store(f(b), SeqCst)"), ["SeqCst -> Release"]);
        assert_eq!(changes("a.swap(b, SeqCst)"), ["SeqCst -> AcqRel"]);
        assert_eq!(
            changes("a.swap(b, AcqRel)"),
            ["AcqRel -> Acquire", "AcqRel -> Release"]
        );
        assert_eq!(changes("a.load(Relaxed)"), [""; 0]);
    }

    #[test]
    fn the_ordering_of_a_failure_is_a_load() {
        let code = "a.compare_exchange(b, c(d, e), SeqCst, SeqCst)";
        assert_eq!(changes(code), ["SeqCst -> AcqRel", "SeqCst -> Acquire"]);
        let code = "a.try_update(Release, Acquire, |word| Some(word + 1))";
        assert_eq!(changes(code), ["Release -> Relaxed", "Acquire -> Relaxed"]);
    }

    #[test]
    fn a_fence_is_never_relaxed() {
        assert_eq!(
            changes("fence(SeqCst); fence(Acquire);"),
            ["SeqCst -> AcqRel"]
        );
    }

    #[test]
    fn a_bare_name_becomes_a_path() {
        let replacement = |code| weakened(code).remove(0).replacement;
        assert_eq!(
            replacement("a.load(Acquire)"),
            "crate::primitive::Ordering::Relaxed"
        );
        assert_eq!(replacement("a.load(Ordering::Acquire)"), "Relaxed");
    }
}
