//! Models of `singleflight`: each caller gets a value, and no caller waits for a call that has ended.

use super::{Counter, Model, witness};
use crate::singleflight::Group;
use loom::thread;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

#[test]
fn a_second_caller_meets_the_end_of_the_first() {
    Model::new().preemptions(3).check(|| {
        let group = Arc::new(Group::new());
        // Loom reports a race if two calls run at the same time.
        let counter = Counter::new();
        let run = |group: &Group<u8, usize>, counter: &Counter| group.run(1, || counter.add_one());
        let other = {
            let (group, counter) = (Arc::clone(&group), Arc::clone(&counter));
            thread::spawn(move || run(&group, &counter))
        };
        let own = run(&group, &counter);
        let other = other.join().unwrap();
        if witness(own.0 == other.0) {
            assert!(own.1 && other.1, "the value was shared");
        } else {
            assert!(!own.1 && !other.1);
        }
        assert!(
            group.run(1, || 7) == (7, false),
            "a call that has ended stays"
        );
    });
}

#[test]
fn three_callers_of_one_key() {
    Model::new().check(|| {
        let group = Arc::new(Group::new());
        let counter = Counter::new();
        let run =
            |group: &Group<u8, usize>, counter: &Counter| group.run(1, || counter.add_one()).0;
        let others = [(); 2].map(|()| {
            let (group, counter) = (Arc::clone(&group), Arc::clone(&counter));
            thread::spawn(move || run(&group, &counter))
        });
        let own = run(&group, &counter);
        let most = others
            .map(|other| other.join().unwrap())
            .into_iter()
            .fold(own, usize::max);
        witness(most == 1);
        assert_eq!(counter.add_one(), most + 1);
    });
}

#[test]
fn a_panic_reaches_the_waiters() {
    Model::new().preemptions(3).check(|| {
        let group = Arc::new(Group::<u8, usize>::new());
        let other = {
            let group = Arc::clone(&group);
            thread::spawn(move || {
                catch_unwind(AssertUnwindSafe(|| group.run(1, || 1)))
                    .map_err(|payload| payload.downcast_ref::<String>().cloned())
            })
        };
        let own = catch_unwind(AssertUnwindSafe(|| {
            group.run(1, || resume_unwind(Box::new("no luck")))
        }));
        match other.join().unwrap() {
            // The other thread has run its own call, whose value this thread may have shared.
            Ok((1, _)) => {}
            Ok(_) => panic!("whose value is that?"),
            Err(text) => {
                assert!(witness(text.unwrap().ends_with("no luck")));
                assert!(own.is_err());
            }
        }
        assert_eq!(group.run(1, || 2).0, 2, "the key is not free");
    });
}
