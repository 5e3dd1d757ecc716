//! Go's own tests of `sync.RWMutex` and `sync.Mutex`, on goroutines. `RLocker` has no counterpart here.

use crate::support::{Activity, LIMIT, Stop, rounds, within};
use gosync::{JoinHandle, RWMutex, go};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Go's `TestParallelReaders`: no reader waits for another one.
#[test]
fn parallel_readers() {
    for readers in [1, 3, 4, 10] {
        within(LIMIT, move || {
            let mutex = Arc::new(RWMutex::new(()));
            let (inside, all_inside) = mpsc::channel();
            let leave = Arc::new(AtomicBool::new(false));
            let left: Vec<_> = (0..readers)
                .map(|_| {
                    let (mutex, inside, leave) = (mutex.clone(), inside.clone(), leave.clone());
                    go(move || {
                        let _reader = mutex.rlock();
                        inside.send(()).unwrap();
                        while !leave.load(SeqCst) {
                            thread::yield_now();
                        }
                    })
                })
                .collect();
            (0..readers).for_each(|_| all_inside.recv().unwrap());
            leave.store(true, SeqCst);
            left.into_iter().for_each(|reader| reader.join().unwrap());
            assert!(mutex.try_lock().is_some());
        });
    }
}

/// The first part of Go's `TestRWMutex`: which attempts succeed beside which guards.
#[test]
fn try_matrix() {
    within(LIMIT, || {
        let mutex = RWMutex::new(());
        let writer = mutex.lock();
        assert!(mutex.try_lock().is_none(), "a writer beside a writer");
        assert!(mutex.try_rlock().is_none(), "a reader beside a writer");
        drop(writer);

        let writer = mutex.try_lock().expect("the lock is free");
        assert!(mutex.try_rlock().is_none() && mutex.try_lock().is_none());
        drop(writer);

        let reader = mutex.try_rlock().expect("the lock is free");
        let another = mutex.try_rlock().expect("readers share it");
        assert!(mutex.try_lock().is_none(), "a writer beside readers");
        drop((reader, another));
        assert!(mutex.try_lock().is_some());
    });
}

/// Runs readers and writers and counts those inside, as in Go's `HammerRWMutex`.
fn hammer(writers: usize, readers: usize, n: usize) {
    let mutex = Arc::new(RWMutex::new(()));
    let activity = Arc::new(Activity::default());
    let linger = || (0..100).for_each(|_| std::hint::spin_loop());
    let everybody: Vec<JoinHandle<()>> = (0..writers + readers)
        .map(|i| {
            let (mutex, activity) = (Arc::clone(&mutex), Arc::clone(&activity));
            // The writers are spread among the readers.
            let is_writer = i % ((writers + readers) / writers) == 0;
            go(move || {
                for _ in rounds(n) {
                    if is_writer {
                        let _writer = mutex.lock();
                        activity.write(linger);
                    } else {
                        let _reader = mutex.rlock();
                        activity.read(linger);
                    }
                }
            })
        })
        .collect();
    for goroutine in everybody {
        goroutine.join().unwrap();
    }
    assert!(mutex.try_lock().is_some());
}

/// The second part of Go's `TestRWMutex`.
#[test]
fn readers_and_writers_exclude_each_other() {
    within(LIMIT, || {
        for (writers, readers) in [(1, 0), (2, 0), (4, 0), (1, 1), (1, 3), (2, 2), (2, 10)] {
            hammer(writers, readers, 1000);
        }
        for (writers, readers) in [(1, 20), (5, 5), (10, 30)] {
            hammer(writers, readers, 250);
        }
    });
}

/// Go's `TestMutexFairness`: `victim` gets its ten turns beside a goroutine that takes the lock back to
/// back, and holds it for 100 µs each time.
fn ten_turns(victim: fn(&RWMutex<()>)) {
    const HOLD: Duration = Duration::from_micros(100);

    within(LIMIT, move || {
        let mutex = RWMutex::new(());
        let stop = AtomicBool::new(false);
        gosync::scope(|s| {
            s.go(|| {
                while !stop.load(SeqCst) {
                    let _hog = mutex.lock();
                    thread::sleep(HOLD);
                }
            });
            let _stop = Stop(&stop);
            for _ in 0..10 {
                thread::sleep(HOLD);
                victim(&mutex);
            }
        });
    });
}

#[test]
fn a_writer_gets_its_turns_beside_a_hog() {
    ten_turns(|mutex| drop(mutex.lock()));
}

#[test]
fn a_reader_gets_its_turns_beside_a_hog() {
    ten_turns(|mutex| drop(mutex.rlock()));
}
