//! What the cargo features add.

#[cfg(feature = "serde")]
mod serde {
    use gosync::{RWMutex, RwLock};

    #[test]
    fn a_lock_is_serialized_as_its_data() {
        let lock = RWMutex::new(vec![1, 2]);
        assert_eq!(serde_json::to_string(&lock).unwrap(), "[1,2]");
        let copy: RWMutex<Vec<u8>> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!(copy.into_inner(), lock.into_inner());
    }

    #[test]
    fn a_lock_under_its_other_name_is_serialized_as_its_data() {
        let lock = RwLock::new("text".to_string());
        assert_eq!(serde_json::to_string(&lock).unwrap(), r#""text""#);
        let copy: RwLock<String> = serde_json::from_str(r#""text""#).unwrap();
        assert_eq!(copy.into_inner(), lock.into_inner());
    }

    #[test]
    fn a_lock_that_is_read_can_be_serialized_and_is_free_afterwards() {
        let lock = RWMutex::new(1);
        let reader = lock.rlock();
        assert_eq!(serde_json::to_string(&lock).unwrap(), "1");
        drop(reader);
        assert!(lock.try_lock().is_some());
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(serde_json::from_str::<RWMutex<u8>>("300").is_err());
    }
}

#[cfg(feature = "arc_lock")]
mod arc_lock {
    use crate::support::{LIMIT, elsewhere, queued, within};
    use gosync::{ArcRWMutexReadGuard, ArcRWMutexWriteGuard, RWMutex};
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn an_arc_guard_outlives_the_variable_of_its_lock() {
        within(LIMIT, || {
            let data = Arc::new(1);
            let lock = Arc::new(RWMutex::new(Arc::clone(&data)));
            let reader = lock.rlock_arc();
            drop(lock);
            assert_eq!(**reader, 1);
            assert_eq!(Arc::strong_count(&data), 2);
            drop(reader);
            assert_eq!(Arc::strong_count(&data), 1);
        });
    }

    #[test]
    fn an_arc_guard_holds_the_lock() {
        within(LIMIT, || {
            let lock = Arc::new(RWMutex::new(1));
            let mut writer: ArcRWMutexWriteGuard<i32> = lock.lock_arc();
            *writer += 1;
            assert!(lock.try_rlock().is_none());
            let reader: ArcRWMutexReadGuard<i32> = ArcRWMutexWriteGuard::downgrade(writer);
            assert_eq!(*lock.try_rlock().unwrap(), 2);
            assert!(lock.try_lock().is_none());
            drop(reader);
            assert!(lock.try_lock().is_some());
            assert_eq!(Arc::strong_count(&lock), 1);
        });
    }

    #[test]
    fn an_arc_guard_waits_and_is_waited_for() {
        within(LIMIT, || {
            let lock = Arc::new(RWMutex::new(1));
            thread::scope(|s| {
                let reader = elsewhere(|| lock.rlock_arc());
                let writer = queued(s, &*lock, || *lock.lock_arc() += 1);
                let late = queued(s, &*lock, || *lock.rlock_arc());
                elsewhere(|| drop(reader));
                assert_eq!(late.join().unwrap(), 2);
                writer.join().unwrap();
            });
            assert_eq!(Arc::strong_count(&lock), 1);
        });
    }

    #[test]
    fn data_behind_an_arc_guard_may_be_unsized() {
        let lock: Arc<RWMutex<[u8]>> = Arc::new(RWMutex::new([1, 2, 3]));
        lock.lock_arc()[1] = 20;
        assert_eq!(*lock.rlock_arc(), [1, 20, 3]);
    }
}

/// The detector looks at the whole process, so each of these tests runs in a separate process.
#[cfg(all(feature = "deadlock_detection", not(miri)))]
mod deadlock_detection {
    use crate::support::{LIMIT, Stop, queued, within};
    use gosync::RWMutexUpgradableReadGuard as Upgradable;
    use gosync::{RWMutex, RWMutexWriteGuard, WaitGroup, deadlock};
    use std::collections::HashSet;
    use std::env;
    use std::mem::forget;
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    /// Runs `body`, the body of the test `name`, in a process without other tests.
    #[track_caller]
    fn alone(name: &str, body: impl FnOnce() + Send + 'static) {
        const MARK: &str = "GOSYNC_TEST_ALONE";
        if env::var_os(MARK).is_some() {
            return within(LIMIT, body);
        }
        let child = Command::new(env::current_exe().unwrap())
            .args([name, "--include-ignored", "--nocapture"])
            .env(MARK, "1")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && output.contains(" 1 passed"),
            "{output}\n{}",
            String::from_utf8_lossy(&child.stderr)
        );
    }

    /// Waits until there are deadlocked threads. Returns them, one set for each deadlock.
    fn deadlocked() -> Vec<HashSet<ThreadId>> {
        loop {
            let mut found = Vec::new();
            for component in deadlock::check_deadlock() {
                found.push(component.iter().map(|thread| thread.thread_id()).collect());
            }
            if !found.is_empty() {
                return found;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts a thread that is never joined. Returns its id.
    fn lost(f: impl FnOnce() + Send + 'static) -> ThreadId {
        thread::spawn(f).thread().id()
    }

    #[test]
    fn a_recursive_read_with_a_writer_between_is_found() {
        alone("a_recursive_read_with_a_writer_between_is_found", || {
            let lock = Arc::new(RWMutex::new(()));
            let reader = {
                let lock = Arc::clone(&lock);
                lost(move || {
                    let _first = lock.rlock();
                    while lock.try_rlock().is_some() {
                        thread::yield_now();
                    }
                    let _second = lock.rlock();
                })
            };
            while !lock.is_locked() {
                thread::yield_now();
            }
            let writer = lost(move || drop(lock.lock()));
            assert_eq!(deadlocked(), [HashSet::from([reader, writer])]);
            // Each deadlock is reported once.
            assert!(deadlock::check_deadlock().is_empty());
        });
    }

    #[test]
    fn a_thread_that_waits_for_itself_is_found() {
        alone("a_thread_that_waits_for_itself_is_found", || {
            let again: [fn(&RWMutex<()>); 7] = [
                |lock| forget((lock.lock(), lock.lock())),
                |lock| forget((lock.lock(), lock.rlock())),
                |lock| forget((lock.rlock(), lock.lock())),
                |lock| forget((lock.rlock_upgradable(), lock.rlock_upgradable())),
                |lock| forget((lock.rlock_upgradable(), lock.lock())),
                |lock| forget((lock.rlock(), Upgradable::upgrade(lock.rlock_upgradable()))),
                |lock| {
                    let writer = Upgradable::upgrade(lock.rlock_upgradable());
                    let upgradable = RWMutexWriteGuard::downgrade_to_upgradable(writer);
                    forget((Upgradable::downgrade(upgradable), lock.lock()));
                },
            ];
            for lock_twice in again {
                let thread = lost(move || lock_twice(&RWMutex::new(())));
                assert_eq!(deadlocked(), [HashSet::from([thread])]);
            }
        });
    }

    #[test]
    fn two_locks_in_opposite_order_are_found() {
        alone("two_locks_in_opposite_order_are_found", || {
            let locks = Arc::new([RWMutex::new(()), RWMutex::new(())]);
            let threads = [(0, 1), (1, 0)].map(|(first, second)| {
                let locks = Arc::clone(&locks);
                lost(move || {
                    let _first = locks[first].lock();
                    while !locks[second].is_locked() {
                        thread::yield_now();
                    }
                    let _second = locks[second].rlock();
                })
            });
            assert_eq!(deadlocked(), [HashSet::from(threads)]);
        });
    }

    /// Long enough for the detector to look.
    const HOLD: Duration = Duration::from_millis(100);

    /// Runs `work` while the detector looks again and again. The detector permanently stops the threads
    /// that it reports, so after any report the whole process has failed.
    fn assert_never_reported(work: impl Fn() + Sync) {
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    if !deadlock::check_deadlock().is_empty() {
                        // The reported threads never end, so they cannot be joined.
                        eprintln!("a false report");
                        std::process::exit(1);
                    }
                }
            });
            let _stop = Stop(&stop);
            work();
        });
    }

    #[test]
    fn a_writer_that_waits_for_an_upgradable_reader_is_not_reported() {
        alone(
            "a_writer_that_waits_for_an_upgradable_reader_is_not_reported",
            || {
                assert_never_reported(|| {
                    let lock = RWMutex::new(0);
                    let upgradable = lock.rlock_upgradable();
                    thread::scope(|s| {
                        queued(s, &lock, || *lock.lock() += 1);
                        queued(s, &lock, || drop(lock.rlock_upgradable()));
                        thread::sleep(HOLD);
                        let mut writer = Upgradable::upgrade(upgradable);
                        *writer += 1;
                        thread::sleep(HOLD);
                    });
                });
            },
        );
    }

    #[test]
    fn normal_use_is_not_reported() {
        alone("normal_use_is_not_reported", || {
            assert_never_reported(|| {
                let locks = [(); 3].map(|()| RWMutex::new(0));
                let wg = WaitGroup::new();
                thread::scope(|s| {
                    for seed in 0..4 {
                        let (locks, wg) = (&locks, &wg);
                        s.spawn(move || {
                            for round in 0..500 {
                                let _outer = locks[0].try_rlock_for(Duration::from_micros(50));
                                let lock = &locks[1 + (seed + round) % 2];
                                drop(RWMutexWriteGuard::downgrade(lock.lock()));
                                drop(lock.rlock());
                                drop(lock.try_lock_for(Duration::from_micros(20)));
                                drop(lock.rlock_upgradable());
                                let upgradable = lock.rlock_upgradable();
                                let time = Duration::from_micros(20);
                                match Upgradable::try_upgrade_for(upgradable, time) {
                                    Ok(guard) => RWMutexWriteGuard::unlock_fair(guard),
                                    Err(guard) => drop(Upgradable::downgrade(guard)),
                                }
                                drop(Upgradable::upgrade(lock.rlock_upgradable()));
                                wg.add(1);
                                wg.done();
                                assert!(wg.wait_timeout(LIMIT));
                            }
                        });
                    }
                    for _ in 0..200 {
                        *locks[0].lock() += 1;
                    }
                });
            });
        });
    }

    #[test]
    fn a_thread_that_has_left_is_not_reported_while_it_waits_for_another() {
        alone(
            "a_thread_that_has_left_is_not_reported_while_it_waits_for_another",
            || {
                assert_never_reported(|| {
                    let lock = RWMutex::new(());
                    let wait_for = |access: fn(&RWMutex<()>)| {
                        thread::scope(|s| {
                            drop(RWMutexWriteGuard::downgrade(lock.lock()));
                            drop((lock.rlock(), lock.rlock()));
                            s.spawn(|| access(&lock));
                            while !lock.is_locked() {
                                thread::yield_now();
                            }
                            drop(lock.lock());
                        });
                    };
                    wait_for(|lock| drop((lock.rlock(), thread::sleep(HOLD))));
                    wait_for(|lock| drop((lock.lock(), thread::sleep(HOLD))));
                });
            },
        );
    }

    #[test]
    fn a_wait_with_a_deadline_is_not_reported() {
        alone("a_wait_with_a_deadline_is_not_reported", || {
            let lock = RWMutex::new(());
            let _writer = lock.lock();
            thread::scope(|s| {
                let timed = queued(s, &lock, || {
                    lock.try_lock_for(Duration::from_millis(200)).is_none()
                });
                assert!(deadlock::check_deadlock().is_empty());
                assert!(timed.join().unwrap());
            });
            assert!(lock.try_rlock_for(Duration::from_millis(20)).is_none());
        });
    }
}
