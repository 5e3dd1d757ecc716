//! What the types promise: traits, sizes, texts, names.

use crate::support::{LIMIT, within};
use gosync::{
    MappedRWMutexReadGuard, MappedRWMutexWriteGuard, RWMutex, RWMutexReadGuard, RWMutexWriteGuard,
    RawRWMutex, RwLock,
};
use std::cell::Cell;
use std::fmt::Debug;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

fn assert_send<T: Send + ?Sized>() {}
fn assert_sync<T: Sync + ?Sized>() {}

/// `Sync`, but not `Send`.
type Bound = MutexGuard<'static, u8>;

#[test]
fn a_lock_goes_to_and_is_shared_by_the_threads_that_its_data_may_go_to() {
    assert_send::<RWMutex<u8>>();
    assert_sync::<RWMutex<u8>>();
    assert_send::<RWMutex<Cell<u8>>>();
    assert_send::<RWMutex<str>>();
    assert_sync::<RWMutex<dyn Debug + Send + Sync>>();
    assert_send::<RawRWMutex>();
    assert_sync::<RawRWMutex>();
}

#[test]
fn guards_are_send_and_sync_as_far_as_their_data_allows() {
    assert_send::<RWMutexReadGuard<u8>>();
    assert_send::<RWMutexWriteGuard<u8>>();
    assert_send::<MappedRWMutexReadGuard<u8>>();
    assert_send::<MappedRWMutexWriteGuard<u8>>();
    assert_sync::<RWMutexReadGuard<u8>>();
    assert_sync::<RWMutexWriteGuard<u8>>();
    assert_sync::<MappedRWMutexReadGuard<u8>>();
    assert_sync::<MappedRWMutexWriteGuard<u8>>();
    // A read guard only shares its data, and a write guard hands it over. But guards that are not mapped
    // share the lock, too, and so need both `Send` and `Sync`.
    assert_send::<MappedRWMutexReadGuard<Bound>>();
    assert_send::<MappedRWMutexWriteGuard<Cell<u8>>>();
}

#[test]
fn a_lock_without_data_is_one_word() {
    assert_eq!(size_of::<RWMutex<()>>(), size_of::<u64>());
    assert_eq!(size_of::<RwLock<()>>(), size_of::<u64>());
    assert_eq!(size_of::<RWMutex<u64>>(), 2 * size_of::<u64>());
}

#[test]
fn a_lock_may_be_a_static() {
    static COUNT: RWMutex<u32> = RWMutex::new(1);
    static NAMES: [RWMutex<Option<String>>; 2] = [const { RWMutex::new(None) }; 2];

    within(LIMIT, || {
        *COUNT.lock() += 1;
        assert_eq!(*COUNT.rlock(), 2);
        *NAMES[1].lock() = Some("gopher".into());
        assert_eq!(*NAMES[0].rlock(), None);
        assert_eq!(NAMES[1].rlock().as_deref(), Some("gopher"));
    });
}

#[test]
fn data_may_be_unsized() {
    within(LIMIT, || {
        let slice: Box<RWMutex<[u8]>> = Box::new(RWMutex::new([3, 1, 2]));
        slice.lock().sort();
        assert_eq!(*slice.rlock(), [1, 2, 3]);
        assert_eq!(format!("{slice:?}"), "RWMutex { data: [1, 2, 3], .. }");

        let numbers = RWMutex::new(vec![1, 2].into_iter());
        let dynamic: &RWMutex<dyn Iterator<Item = i32> + Send> = &numbers;
        assert_eq!(dynamic.lock().next(), Some(1));
        assert_eq!(dynamic.try_lock().unwrap().next(), Some(2));
        assert!(dynamic.try_rlock().is_some());

        let mut word: Box<RWMutex<dyn AsMut<str> + Send>> =
            Box::new(RWMutex::new(String::from("a")));
        word.get_mut().as_mut().make_ascii_uppercase();
        let first = RWMutexWriteGuard::map(word.lock(), |word| word.as_mut());
        assert_eq!(&*first, "A");
    });
}

#[test]
fn a_lock_is_made_from_its_data() {
    assert_eq!(RWMutex::<String>::default().into_inner(), "");
    assert_eq!(RWMutex::from(5).into_inner(), 5);
    let mut lock: RWMutex<_> = "word".to_string().into();
    lock.get_mut().push('s');
    assert_eq!(lock.into_inner(), "words");
}

#[test]
fn data_ptr_points_to_the_data() {
    let lock = RWMutex::new(5);
    assert!(std::ptr::eq(lock.data_ptr(), &*lock.rlock()));
}

#[test]
fn debug_shows_the_data_unless_it_is_locked() {
    within(LIMIT, || {
        let lock = RWMutex::new("text");
        assert_eq!(format!("{lock:?}"), r#"RWMutex { data: "text", .. }"#);
        assert_eq!(
            format!("{lock:#?}"),
            "RWMutex {\n    data: \"text\",\n    ..\n}"
        );
        let reader = lock.rlock();
        assert_eq!(format!("{lock:?}"), r#"RWMutex { data: "text", .. }"#);
        drop(reader);
        let writer = lock.lock();
        assert_eq!(format!("{lock:?}"), "RWMutex { data: <locked>, .. }");
        drop(writer);
        assert_eq!(format!("{lock:?}"), r#"RWMutex { data: "text", .. }"#);
    });
}

#[test]
fn a_guard_is_shown_as_its_data() {
    within(LIMIT, || {
        let lock = RWMutex::new("text");
        let reader = lock.rlock();
        assert_eq!(format!("{reader:?} {reader}"), r#""text" text"#);
        let part = RWMutexReadGuard::map(reader, |text| &text[1..]);
        assert_eq!(format!("{part:?} {part}"), r#""ext" ext"#);
        drop(part);
        let writer = lock.lock();
        assert_eq!(format!("{writer:?} {writer}"), r#""text" text"#);
    });
}

#[test]
fn the_alias_has_the_method_names_of_parking_lot() {
    static LOCK: RwLock<i32> = RwLock::new(1);

    within(LIMIT, || {
        let timeout = Duration::from_millis(1);
        let deadline = || Instant::now() + timeout;
        *LOCK.write() += 1;
        let reader: RWMutexReadGuard<i32> = LOCK.read();
        assert_eq!(*reader, 2);
        assert!(LOCK.try_read().is_some());
        assert!(LOCK.try_read_for(timeout).is_some());
        assert!(LOCK.try_read_until(deadline()).is_some());
        assert!(LOCK.try_write().is_none());
        assert!(LOCK.try_write_for(timeout).is_none());
        assert!(LOCK.try_write_until(deadline()).is_none());
        drop(reader);
        let writer: RWMutexWriteGuard<i32> = LOCK.write();
        assert!(LOCK.is_locked_exclusive());
        drop(RWMutexWriteGuard::downgrade(writer));
        assert!(!LOCK.is_locked());
    });
}
