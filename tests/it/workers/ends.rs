//! Goroutines before `main`, and when a thread or the process is about to end.

use super::child::alone;
use crate::support::{LIMIT, holds_within, within};
use gosync::{RWMutex, WaitGroup, go, num_goroutines, scope};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::{hint, thread};

/// Starts goroutines of each kind from the current thread, and waits for them.
fn use_goroutines() {
    assert_eq!(go(|| 6 * 7).join().unwrap(), 42);
    let (wg, sum) = (WaitGroup::new(), Arc::new(RWMutex::new(0)));
    for i in 1..=10 {
        let sum = Arc::clone(&sum);
        wg.go(move || *sum.lock() += i);
    }
    wg.wait();
    assert_eq!(*sum.rlock(), 55);
    let mut numbers = [1, 2, 3];
    scope(|s| {
        for number in &mut numbers {
            s.go(|| *number *= 2);
        }
    });
    assert_eq!(numbers, [2, 4, 6]);
    // A receive does not help, so a worker must run it.
    let (send, received) = mpsc::channel();
    drop(go(move || send.send(thread::current().id()).unwrap()));
    assert_ne!(received.recv().unwrap(), thread::current().id());
}

pub mod of_a_thread {
    use super::*;

    /// Calls its function when its thread ends.
    struct AtEnd(fn());

    impl Drop for AtEnd {
        fn drop(&mut self) {
            self.0();
        }
    }

    thread_local! {
        static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    }

    pub fn at_end(f: fn()) {
        AT_END.set(Some(AtEnd(f)));
    }

    /// Starts a goroutine that is never joined, then one of each kind, and waits until the first has
    /// run.
    fn leave() {
        static LEFT: AtomicBool = AtomicBool::new(false);

        drop(go(|| LEFT.store(true, SeqCst)));
        use_goroutines();
        while !LEFT.load(SeqCst) {
            thread::yield_now();
        }
    }

    #[test]
    fn that_had_none_before() {
        within(LIMIT, || thread::spawn(|| at_end(leave)).join().unwrap());
    }

    /// Tries both orders of first use: where destructors have a known order, it is the reverse of that.
    #[test]
    fn that_had_some_before() {
        within(LIMIT, || {
            thread::spawn(|| {
                use_goroutines();
                at_end(leave);
            })
            .join()
            .unwrap();
            thread::spawn(|| {
                at_end(leave);
                use_goroutines();
            })
            .join()
            .unwrap();
        });
    }

    #[test]
    fn that_had_some_before_and_counts_them() {
        alone(&[], || {
            for _ in 0..10 {
                thread::spawn(|| {
                    at_end(leave);
                    use_goroutines();
                })
                .join()
                .unwrap();
            }
            assert!(holds_within(LIMIT, || num_goroutines() == 0));
        });
    }

    /// The thread has ended by the time that another thread looks at what it has queued.
    #[test]
    fn that_leaves_them_behind() {
        within(LIMIT, || {
            let wg = WaitGroup::new();
            for _ in 0..100 {
                let group = wg.clone();
                let queue = move || (0..100).for_each(|_| group.go(|| ()));
                thread::spawn(queue).join().unwrap();
            }
            // The goroutines are not in this thread's queue, so it does not help.
            wg.wait();
        });
    }

    /// A destructor may queue goroutines after its thread has released its processor. Workers must find
    /// these as well as those queued before.
    #[test]
    fn that_had_released_its_processor() {
        static ENDED: RWMutex<usize> = RWMutex::new(0);

        fn queue_many() {
            (0..100).for_each(|_| drop(go(|| *ENDED.lock() += 1)));
        }

        within(LIMIT, || {
            for _ in 0..20 {
                let thread = thread::spawn(|| {
                    at_end(queue_many);
                    queue_many();
                });
                thread.join().unwrap();
            }
            while *ENDED.rlock() < 20 * 200 {
                thread::yield_now();
            }
        });
    }
}

mod of_the_process {
    use super::*;

    #[test]
    fn the_process_ends_with_main_whatever_runs() {
        alone(&[], || {
            // Hogs, goroutines that sleep in every way, and some that have not begun.
            let locked = Arc::new(RWMutex::new(0));
            std::mem::forget(locked.lock());
            let never = WaitGroup::new();
            never.add(1);
            for _ in 0..4 {
                drop(go(|| {
                    loop {
                        hint::spin_loop();
                    }
                }));
                drop(go(|| {
                    loop {
                        thread::park();
                    }
                }));
                let locked = Arc::clone(&locked);
                drop(go(move || drop(locked.rlock())));
                let never = never.clone();
                drop(go(move || never.wait()));
            }
            (0..10_000).for_each(|_| drop(go(thread::park)));
        });
    }

    #[test]
    fn goroutines_may_start_others_until_the_end() {
        fn start_another() {
            drop(go(start_another));
        }

        alone(&[], || {
            drop(go(|| {
                loop {
                    let wg = WaitGroup::new();
                    (0..100).for_each(|_| wg.go(|| ()));
                    wg.wait();
                }
            }));
            (0..100).for_each(|_| drop(go(start_another)));
            use_goroutines();
        });
    }

    #[cfg(target_os = "linux")]
    mod exit {
        use super::*;
        use crate::workers::child::played;
        use std::process;

        extern "C" fn handler() {
            use_goroutines();
            played();
        }

        fn call_at_exit() {
            // SAFETY: the handler is a function of this program. It does not unwind: a panic in an
            // `extern "C"` function aborts the process.
            assert_eq!(unsafe { libc::atexit(handler) }, 0);
        }

        /// By then the thread-local destructors of the thread that calls `exit` have run.
        #[test]
        fn a_handler_may_start_some_if_there_were_none() {
            alone(&[], || {
                call_at_exit();
                process::exit(0);
            });
        }

        #[test]
        fn a_handler_may_start_some_if_there_were_others() {
            alone(&[], || {
                call_at_exit();
                use_goroutines();
                process::exit(0);
            });
        }

        #[test]
        fn a_handler_may_start_some_after_main() {
            alone(&[], || {
                call_at_exit();
                use_goroutines();
            });
        }

        #[test]
        fn a_handler_may_start_some_while_others_run() {
            alone(&[], || {
                call_at_exit();
                for _ in 0..4 {
                    drop(go(|| {
                        loop {
                            use_goroutines();
                        }
                    }));
                }
                use_goroutines();
                process::exit(0);
            });
        }

        #[test]
        fn a_goroutine_may_end_the_process() {
            alone(&[], || {
                call_at_exit();
                drop(go(|| process::exit(0)));
                loop {
                    thread::park();
                }
            });
        }
    }
}

#[cfg(target_os = "linux")]
mod before_main {
    use super::super::child::is_playing;
    use super::*;
    use std::fs;

    const TEST: &str = "workers::ends::before_main::goroutines_run_before_main_begins";

    static RAN: AtomicBool = AtomicBool::new(false);

    /// The C library calls the functions in this section before `main`.
    #[used]
    // SAFETY: the section holds pointers to functions of this type.
    #[unsafe(link_section = ".init_array")]
    static BEFORE_MAIN: extern "C" fn() = before_main;

    extern "C" fn before_main() {
        if is_playing(TEST) {
            assert_eq!(fs::read_dir("/proc/self/task").unwrap().count(), 1);
            use_goroutines();
            RAN.store(true, SeqCst);
        }
    }

    /// So a program need not initialise anything first.
    #[test]
    fn goroutines_run_before_main_begins() {
        alone(&[], || {
            assert!(RAN.load(SeqCst));
            use_goroutines();
        });
    }
}
