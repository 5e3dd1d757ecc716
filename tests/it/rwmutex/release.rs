//! How a lock is released: by any thread, by a panic, in parts.

use crate::support::{LIMIT, assert_free, elsewhere, panic_quietly, panic_text, within};
use gosync::{
    MappedRWMutexReadGuard, MappedRWMutexWriteGuard, RWMutex, RWMutexReadGuard, RWMutexWriteGuard,
};
use std::fmt;
use std::thread;

/// Asserts that one thread may make a guard and another one drop it, after the first has ended.
#[track_caller]
fn assert_released_by_another<'a, G: Send>(
    lock: &'a RWMutex<(u8, u8)>,
    make: impl FnOnce(&'a RWMutex<(u8, u8)>) -> G + Send,
) {
    let guard = elsewhere(|| make(lock));
    assert!(lock.is_locked());
    assert!(lock.try_lock().is_none());
    elsewhere(|| drop(guard));
    assert_free(lock);
    // This read guard is not dropped by the thread that made it either.
    assert_eq!(*elsewhere(|| lock.rlock()), (1, 2));
    assert_free(lock);
}

#[test]
fn another_thread_may_drop_the_guard() {
    within(LIMIT, || {
        let lock = RWMutex::new((1, 2));
        assert_released_by_another(&lock, |lock| lock.rlock());
        assert_released_by_another(&lock, |lock| lock.lock());
        assert_released_by_another(&lock, |lock| RWMutexReadGuard::map(lock.rlock(), |p| &p.1));
        assert_released_by_another(&lock, |lock| {
            RWMutexWriteGuard::map(lock.lock(), |p| &mut p.1)
        });
        assert_released_by_another(&lock, |lock| RWMutexWriteGuard::downgrade(lock.lock()));
    });
}

#[test]
fn another_thread_may_write_through_the_guard() {
    within(LIMIT, || {
        let lock = RWMutex::new((1, 2));
        let mut guard = elsewhere(|| RWMutexWriteGuard::map(lock.lock(), |pair| &mut pair.1));
        elsewhere(|| *guard = 3);
        elsewhere(|| drop(guard));
        assert_eq!(*lock.rlock(), (1, 3));
    });
}

#[test]
fn another_thread_that_drops_the_guard_wakes_the_waiters() {
    within(LIMIT, || {
        use crate::support::queued;

        let lock = RWMutex::new(0);
        thread::scope(|s| {
            let reader = elsewhere(|| lock.rlock());
            let writer = queued(s, &lock, || *lock.lock() += 1);
            elsewhere(|| drop(reader));
            writer.join().unwrap();

            let writer = elsewhere(|| lock.lock());
            let reader = queued(s, &lock, || *lock.rlock());
            elsewhere(|| drop(writer));
            assert_eq!(reader.join().unwrap(), 1);
        });
    });
}

#[test]
fn a_panic_releases_the_lock() {
    within(LIMIT, || {
        let lock = RWMutex::new((1, 2));
        let text = panic_text(|| {
            let _reader = lock.rlock();
            panic_quietly("while reading")
        });
        assert_eq!(text, "while reading");
        assert_free(&lock);

        let text = panic_text(|| {
            lock.lock().0 = 7;
            let mut writer = lock.lock();
            writer.1 = 8;
            panic_quietly("while writing")
        });
        assert_eq!(text, "while writing");
        assert_free(&lock);
        // There is no poisoning, and no rollback.
        assert_eq!(*lock.rlock(), (7, 8));
    });
}

#[test]
fn a_panic_wakes_the_waiters() {
    within(LIMIT, || {
        use crate::support::queued;

        let lock = RWMutex::new(0);
        thread::scope(|s| {
            let writer = lock.lock();
            let reader = queued(s, &lock, || *lock.rlock());
            panic_text(move || {
                let _writer = writer;
                panic_quietly("while writing")
            });
            assert_eq!(reader.join().unwrap(), 0);
        });
    });
}

#[test]
fn a_panic_in_the_closure_of_map_releases_the_lock() {
    within(LIMIT, || {
        let lock = RWMutex::new((1, 2));
        panic_text(|| RWMutexReadGuard::map(lock.rlock(), |_| -> &u8 { panic_quietly("map") }));
        assert_free(&lock);
        panic_text(|| RWMutexWriteGuard::map(lock.lock(), |_| -> &mut u8 { panic_quietly("map") }));
        assert_free(&lock);
        panic_text(|| {
            RWMutexReadGuard::try_map(lock.rlock(), |_| -> Option<&u8> { panic_quietly("map") })
        });
        assert_free(&lock);
        panic_text(|| {
            let part = RWMutexWriteGuard::map(lock.lock(), |pair| &mut pair.0);
            MappedRWMutexWriteGuard::map(part, |_| -> &mut u8 { panic_quietly("map") })
        });
        assert_free(&lock);
    });
}

#[test]
fn a_panic_in_the_debug_format_of_the_data_releases_the_lock() {
    struct Rude;

    impl fmt::Debug for Rude {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic_quietly("no comment")
        }
    }

    within(LIMIT, || {
        let lock = RWMutex::new(Rude);
        assert_eq!(panic_text(|| format!("{lock:?}")), "no comment");
        assert_free(&lock);
    });
}

#[test]
fn a_mapped_guard_holds_the_whole_lock() {
    within(LIMIT, || {
        let lock = RWMutex::new(((1, 2), 3));
        let pair = RWMutexReadGuard::map(lock.rlock(), |data| &data.0);
        let number = MappedRWMutexReadGuard::map(pair, |pair| &pair.1);
        assert_eq!(*number, 2);
        assert!(lock.try_lock().is_none() && lock.try_rlock().is_some());
        drop(number);
        assert_free(&lock);

        let pair = RWMutexWriteGuard::map(lock.lock(), |data| &mut data.0);
        let mut number = MappedRWMutexWriteGuard::map(pair, |pair| &mut pair.1);
        *number = 20;
        assert!(lock.try_rlock().is_none());
        drop(number);
        assert_free(&lock);
        assert_eq!(*lock.rlock(), ((1, 20), 3));
    });
}

#[test]
fn try_map_that_finds_nothing_gives_the_guard_back() {
    within(LIMIT, || {
        let lock = RWMutex::new(vec![1, 2]);
        let reader = lock.rlock();
        let reader = RWMutexReadGuard::try_map(reader, |list| list.get(9)).unwrap_err();
        assert_eq!(*reader, [1, 2]);
        let last = RWMutexReadGuard::try_map(reader, |list| list.last()).unwrap();
        let last = MappedRWMutexReadGuard::try_map(last, |_| None::<&i32>).unwrap_err();
        assert_eq!(*last, 2);
        assert!(lock.try_lock().is_none());
        drop(last);
        assert_free(&lock);

        let writer = lock.lock();
        let mut writer = RWMutexWriteGuard::try_map(writer, |list| list.get_mut(9)).unwrap_err();
        writer.push(3);
        let last = RWMutexWriteGuard::try_map(writer, |list| list.last_mut()).unwrap();
        let mut last = MappedRWMutexWriteGuard::try_map(last, |_| None::<&mut i32>).unwrap_err();
        *last += 10;
        assert!(lock.try_rlock().is_none());
        drop(last);
        assert_free(&lock);
        assert_eq!(lock.into_inner(), [1, 2, 13]);
    });
}
