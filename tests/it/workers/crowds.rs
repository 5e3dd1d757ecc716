//! Ten thousand goroutines block in one thing: all start, all continue, and no thread is left in the
//! end.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use super::child::{alone, threads_of_gosync};
use crate::support::{LIMIT, holds_within, is_forced};
use gosync::{RWMutex, WaitGroup, go, num_goroutines, num_workers};
use std::io::{PipeReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;
use std::{hint, io, thread};

/// Smaller at forced speeds: these tests are about workers, not about how a lock counts its readers.
fn crowd() -> usize {
    if is_forced() { 1000 } else { 10_000 }
}

/// Starts a crowd of goroutines that call `block`, and asserts that all of them start before `release`
/// is called. `block` must not return before that.
#[track_caller]
fn assert_all_start(block: impl Fn() + Send + Sync + 'static, release: impl FnOnce()) {
    let crowd = crowd();
    let (started, ended) = (WaitGroup::new(), WaitGroup::new());
    started.add(crowd as isize);
    ended.add(crowd as isize);
    let block = Arc::new(block);
    let passed = Arc::new(AtomicUsize::new(0));
    for _ in 0..crowd {
        let (started, ended) = (started.clone(), ended.clone());
        let (block, passed) = (Arc::clone(&block), Arc::clone(&passed));
        drop(go(move || {
            started.done();
            block();
            passed.fetch_add(1, SeqCst);
            ended.done();
        }));
    }
    assert!(started.wait_timeout(LIMIT), "not all start");
    assert_eq!(passed.load(SeqCst), 0);
    release();
    assert!(ended.wait_timeout(LIMIT), "not all continue");
    assert_no_thread_is_left();
}

#[track_caller]
fn assert_no_thread_is_left() {
    assert!(holds_within(LIMIT, || num_goroutines() == 0));
    if !is_forced() {
        assert!(holds_within(LIMIT, || num_workers() == 0));
        assert!(holds_within(LIMIT, || threads_of_gosync().is_empty()));
    }
}

#[test]
fn in_a_wait_group() {
    alone(&[], || {
        let gate = WaitGroup::new();
        gate.add(1);
        let inner = gate.clone();
        assert_all_start(move || inner.wait(), || gate.done());
    });
}

#[test]
fn in_a_read_of_an_rw_mutex() {
    alone(&[], || {
        let lock = Arc::new(RWMutex::new(0));
        let held = lock.lock();
        let inner = Arc::clone(&lock);
        assert_all_start(move || drop(inner.rlock()), || drop(held));
    });
}

#[test]
fn in_a_mutex_of_std() {
    alone(&[], || {
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let inner = Arc::clone(&lock);
        assert_all_start(move || drop(inner.lock()), || drop(held));
    });
}

#[test]
fn in_channels_of_std() {
    alone(&[], || {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..crowd()).map(|_| mpsc::channel::<()>()).unzip();
        let receivers = Mutex::new(receivers);
        let block = move || {
            let receiver = receivers.lock().unwrap().pop().unwrap();
            assert!(receiver.recv().is_err());
        };
        assert_all_start(block, || drop(senders));
    });
}

#[test]
fn in_a_channel_of_crossbeam() {
    alone(&[], || {
        let (sender, receiver) = crossbeam_channel::bounded::<()>(0);
        assert_all_start(move || assert!(receiver.recv().is_err()), || drop(sender));
    });
}

#[test]
fn in_a_channel_of_crossbeam_that_is_known_to_block() {
    alone(&[], || {
        let (sender, receiver) = crossbeam_channel::bounded::<()>(0);
        let block = move || assert!(gosync::block_in_place(|| receiver.recv()).is_err());
        assert_all_start(block, || drop(sender));
    });
}

#[test]
fn at_a_barrier() {
    alone(&[], || {
        let barrier = Arc::new(Barrier::new(crowd() + 1));
        let inner = Arc::clone(&barrier);
        assert_all_start(move || _ = inner.wait(), || _ = barrier.wait());
    });
}

#[test]
fn in_sleep() {
    alone(&[], || {
        let is_over = Arc::new(AtomicBool::new(false));
        let inner = Arc::clone(&is_over);
        let block = move || {
            while !inner.load(SeqCst) {
                thread::sleep(Duration::from_millis(500));
            }
        };
        assert_all_start(block, || is_over.store(true, SeqCst));
    });
}

#[test]
fn in_a_read_of_a_pipe() {
    /// Reads through a shared reference, since several goroutines read.
    fn read(pipe: &PipeReader) -> io::Result<()> {
        let mut pipe = pipe;
        pipe.read_exact(&mut [0])
    }

    alone(&[], || {
        let (reader, mut writer) = io::pipe().unwrap();
        let release = || writer.write_all(&vec![0; crowd()]).unwrap();
        assert_all_start(move || read(&reader).unwrap(), release);
    });
}

/// A server that starts a goroutine for each connection.
#[test]
fn in_reads_of_sockets() {
    /// Each connection takes two descriptors. There are fewer connections where fewer files are allowed.
    const CONNECTIONS: usize = 2000;
    const OTHER_FILES: usize = 100;

    /// Raises the limit of open files, and returns the number of connections that it allows.
    fn allow_files() -> usize {
        let wanted = (2 * CONNECTIONS + OTHER_FILES) as libc::rlim_t;
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` is valid for reads and writes.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
            limit.rlim_cur = limit.rlim_cur.max(wanted.min(limit.rlim_max));
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
        }
        let files = wanted.min(limit.rlim_cur) as usize;
        (files - OTHER_FILES) / 2
    }

    fn echo(mut socket: TcpStream) -> io::Result<()> {
        let mut byte = [0];
        while socket.read(&mut byte)? == 1 {
            socket.write_all(&byte)?;
        }
        Ok(())
    }

    alone(&[], || {
        let connections = allow_files();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = go(move || {
            let sockets = listener.incoming().take(connections);
            let echos: Vec<_> = sockets.map(|socket| go(|| echo(socket.unwrap()))).collect();
            echos
                .into_iter()
                .for_each(|echo| echo.join().unwrap().unwrap());
        });
        let mut clients: Vec<_> = (0..connections)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        for round in 0..3 {
            for client in &mut clients {
                client.write_all(&[round]).unwrap();
            }
            for client in &mut clients {
                let mut byte = [u8::MAX];
                client.read_exact(&mut byte).unwrap();
                assert_eq!(byte, [round]);
            }
        }
        drop(clients);
        server.join().unwrap();
        assert_no_thread_is_left();
    });
}

/// Some goroutines compute until all others have ended, some sleep, and the rest do nothing.
#[test]
fn beside_hogs() {
    alone(&[], || {
        let is_over = Arc::new(AtomicBool::new(false));
        let (hogs, others) = (WaitGroup::new(), WaitGroup::new());
        for i in 0..crowd() {
            if i % (crowd() / 8) == 0 {
                let (hogs, is_over) = (hogs.clone(), Arc::clone(&is_over));
                hogs.add(1);
                drop(go(move || {
                    while !is_over.load(SeqCst) {
                        hint::spin_loop();
                    }
                    hogs.done();
                }));
            }
            let others = others.clone();
            others.add(1);
            drop(go(move || {
                if i % 4 == 0 {
                    thread::sleep(Duration::from_millis(10));
                }
                others.done();
            }));
        }
        assert!(others.wait_timeout(LIMIT));
        is_over.store(true, SeqCst);
        assert!(hogs.wait_timeout(LIMIT));
        assert_no_thread_is_left();
    });
}
