//! Faults that no rule finds: a step left out, two steps in the wrong order.

use super::find::Edit;

/// Code that occurs once in a file, and its replacement in the mutant.
struct Fault {
    file: &'static str,
    name: &'static str,
    code: &'static str,
    broken: &'static str,
}

#[rustfmt::skip]
const FAULTS: &[Fault] = &[
    Fault {
        file: "src/raw_rwmutex/reader.rs",
        name: "no wake on retreat",
        code: "fn retreat(&self, entry: Entry) {\n        self.leave(entry);",
        broken: "fn retreat(&self, entry: Entry) {\n        entry.end();",
    },
    Fault {
        file: "src/raw_rwmutex/reader.rs",
        name: "look before the count",
        code: "self.word.fetch_sub(ONE_READER, Release);\n        let word = self.word.load(Relaxed);",
        broken: "let word = self.word.load(Relaxed) - ONE_READER;\n        self.word.fetch_sub(ONE_READER, Release);",
    },
    Fault {
        file: "src/raw_rwmutex.rs",
        name: "enters without a look",
        code: "Step::Sleep(next) => (true, next),",
        broken: "Step::Sleep(next) => (next == word, next),",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "beside an upgradable reader",
        code: "if self.await_upgradable(deadline) {",
        broken: "if true {",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "no barrier behind an upgradable reader",
        code: "if word & COUNTED == 0 {\n            Self::pass_barrier(word);",
        broken: "if false {\n            Self::pass_barrier(word);",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "slots drained first",
        code: "if self.await_upgradable(deadline) {\n            return self.drain_plain_readers(deadline);",
        broken: "if self.drain_plain_readers(deadline) {\n            return self.await_upgradable(deadline);",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "gives up under an upgrade",
        code: "if has_upgrade_ahead(word) {\n                if self.yield_to_upgrade(word) {",
        broken: "if false {\n                if self.yield_to_upgrade(word) {",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "admits readers beside an upgrade",
        code: "let is_not_passed = || !has_upgrade_ahead(self.word.load(Relaxed));",
        broken: "let is_not_passed = || true;",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "admitted upgradable reader not woken",
        code: "if upgradable_to_admit(word, kept) != 0 {",
        broken: "if false {",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "a fair unlock is not fair",
        code: "Exit::Fair => stepped_down_fairly(settle(word), entering),",
        broken: "Exit::Fair => stepped_down(settle(word), entering),",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "no waiter for a fair unlock",
        code: "Exit::Fair => !self.wake_writer(),",
        broken: "Exit::Fair => !self.wake_writer() && false,",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "the role was used up",
        code: "if !has_successor(word) {\n                return true;\n            }\n            let has_to_admit",
        broken: "let has_to_admit",
    },
    Fault {
        file: "src/raw_rwmutex/handoff.rs",
        name: "a successor owes nothing",
        code: "let has_to_admit = owes_admission(word) && !is_announced(word);",
        broken: "let has_to_admit = word & READERS_PARKED != 0 && !is_announced(word);",
    },
    Fault {
        file: "src/raw_rwmutex/word.rs",
        name: "no upgradable reader admitted",
        code: "match word & UPGRADABLES_PARKED != 0 && !is_taken {",
        broken: "match false && !is_taken {",
    },
    Fault {
        file: "src/raw_rwmutex/word.rs",
        name: "two upgradable readers admitted",
        code: "let is_taken = has_upgradable(word | kept);",
        broken: "let is_taken = has_upgradable(kept);",
    },
    Fault {
        file: "src/raw_rwmutex/word.rs",
        name: "two upgradable readers",
        code: "bars_readers(word) || has_upgradable(word)",
        broken: "bars_readers(word)",
    },
    Fault {
        file: "src/raw_rwmutex/word.rs",
        name: "no upgradable reader is woken",
        code: "word & UPGRADABLES_PARKED != 0 && !bars_readers(word)",
        broken: "word & UPGRADABLES_PARKED == 0 && !bars_readers(word)",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "no hand-off",
        code: "is_fair || first.wants_handoff",
        broken: "is_fair && !first.wants_handoff",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "a fair unlock is not fair",
        code: "let is_handed_over = is_fair || first.wants_handoff;",
        broken: "let is_handed_over = first.wants_handoff;",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "passes a writer that has gone",
        code: "while is_announced(word) && !has_passed {",
        broken: "while !has_passed {",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "passes without the queue's lock",
        code: "park::with_locked_queue(self.readers_queue(), pass);",
        broken: "({ pass })();",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "not upgraded in the end",
        code: "let next = word & !(UPGRADABLE | UPGRADE_AHEAD);",
        broken: "let next = word & !UPGRADE_AHEAD;",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "tries beside readers",
        code: "&& !has_counted_readers(self.word.load(Acquire));",
        broken: "&& self.word.load(Acquire) != 0;",
    },
    Fault {
        file: "src/raw_rwmutex/upgrade.rs",
        name: "gives up WRITER that it owns",
        code: "if !has_upgrade_ahead(word) {\n                // The writer",
        broken: "if false {\n                // The writer",
    },
    Fault {
        file: "src/raw_mutex.rs",
        name: "no hand-off",
        code: "// Still locked: by the successor.\n                without_successor(word)",
        broken: "word & !(LOCKED | SUCCESSOR_PARKED | HANDOFF)",
    },
    Fault {
        file: "src/raw_mutex.rs",
        name: "a fair unlock is not fair",
        code: "if self.exchange_release(word, without_successor(word)) {\n                    return self.wake_successor(word);",
        broken: "if self.exchange_release(word, word & !(LOCKED | SUCCESSOR_PARKED | HANDOFF)) {\n                    return self.wake_successor(word);",
    },
    Fault {
        file: "src/raw_mutex.rs",
        name: "handed back and kept",
        code: "if !has_successor(word) {\n                return true;",
        broken: "if !has_successor(word) {\n                return false;",
    },
    Fault {
        file: "src/raw_mutex.rs",
        name: "a role without an owner",
        code: "if self.promote_next() {\n                    self.unlock_slow();\n                }\n                return false;",
        broken: "return false;",
    },
    Fault {
        file: "src/raw_cond.rs",
        name: "a late wake-up is lost",
        code: "|| !self.remove(&waiter)",
        broken: "|| self.remove(&waiter) && false",
    },
    Fault {
        file: "src/raw_cond.rs",
        name: "asks for threads once",
        code: "workers::sleep_until_woken(&waiter, deadline)",
        broken: "(|_blocked| waiter.sleep(deadline))(workers::block())",
    },
    Fault {
        file: "src/raw_cond.rs",
        name: "gives up and stays",
        code: "list.remove(position)",
        broken: "list.get(position).cloned()",
    },
    Fault {
        file: "src/raw_cond.rs",
        name: "the last one is woken",
        code: "self.change(List::pop_front)",
        broken: "self.change(List::pop_back)",
    },
    Fault {
        file: "src/errgroup.rs",
        name: "no wake-up at the end",
        code: "self.0.ended.signal();",
        broken: "",
    },
    Fault {
        file: "src/errgroup.rs",
        name: "no limit",
        code: "state.running >= state.limit);",
        broken: "state.running > state.limit);",
    },
    Fault {
        file: "src/semaphore.rs",
        name: "overtakes",
        code: "let is_enough = self.queue.is_empty() && n <= self.free;",
        broken: "let is_enough = n <= self.free;",
    },
    Fault {
        file: "src/semaphore.rs",
        name: "holds up those behind it",
        code: "// This waiter may have held up those behind it.\n        state.grant();",
        broken: "",
    },
    Fault {
        file: "src/semaphore.rs",
        name: "granted and given up",
        code: "return state.check(n);",
        broken: "return timeout.map_or(Ok(()), |_| Err(Refusal::TimedOut));",
    },
    Fault {
        file: "src/semaphore.rs",
        name: "grants one at most",
        code: "while let Some(first) = self.queue.front()",
        broken: "if let Some(first) = self.queue.front()",
    },
    Fault {
        file: "src/semaphore.rs",
        name: "waits for what is forgotten",
        code: "waiter.granted.signal();\n            }\n            may_wait",
        broken: "}\n            true",
    },
    Fault {
        file: "src/singleflight.rs",
        name: "no wake-up at the end",
        code: "self.ended.broadcast();",
        broken: "",
    },
    Fault {
        file: "src/singleflight.rs",
        name: "joins too late",
        code: "call.join();\n            drop(calls);",
        broken: "drop(calls);\n            call.join();",
    },
    Fault {
        file: "src/singleflight.rs",
        name: "stays in the map",
        code: "self.remove(&key, &call);",
        broken: "",
    },
    Fault {
        file: "src/readers.rs",
        name: "barrier before clear",
        code: "unsafe { self.0.as_ref() }.clear();\n            barrier::light();",
        broken: "barrier::light();\n            unsafe { self.0.as_ref() }.clear();",
    },
    Fault {
        file: "src/readers.rs",
        name: "fence before clear",
        code: "unsafe { &*slot }.clear();\n        fence(SeqCst);",
        broken: "fence(SeqCst);\n        unsafe { &*slot }.clear();",
    },
    Fault {
        file: "src/readers.rs",
        name: "no entry owes a fence",
        code: "Cell::new(Entry::OWES_FENCE)",
        broken: "Cell::new(0)",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "heavy before DRAINER_PARKED",
        code: "if self.word.load(Relaxed) & DRAINER_PARKED == 0 {\n                self.word.fetch_or(DRAINER_PARKED, Relaxed);\n            }\n            sleep.begin()",
        broken: "let nap = sleep.begin();\n            self.word.fetch_or(DRAINER_PARKED, Relaxed);\n            nap",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "asleep without a barrier",
        code: "(!self.has_passed_barrier).then(|| {",
        broken: "(!self.has_passed_barrier && self.nap == Self::FIRST_NAP).then(|| {",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "gives up after a nap",
        code: "Parked::TimedOut if end == deadline => return !inside(),",
        broken: "Parked::TimedOut => return !inside(),",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "in although late",
        code: "if spin::is_late(deadline) {\n                return !inside();",
        broken: "if spin::is_late(deadline) {\n                return true;",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "fence for heavy",
        code: "if word & FENCED != 0 {\n            barrier::after_update();\n        } else {\n            barrier::heavy();\n        }",
        broken: "_ = word;\n        barrier::after_update();",
    },
    Fault {
        file: "src/raw_rwmutex/writer.rs",
        name: "gives up as if done",
        code: "self.track_step_down();\n        self.step_down_and_wake(0, Exit::GaveUp);",
        broken: "self.track_step_down();\n        self.step_down_and_wake(0, Exit::Done);",
    },
    Fault {
        file: "src/raw_rwmutex/drain.rs",
        name: "slots not waited for",
        code: "self.drain_slots(|slot| self.await_slot(slot, &mut sleep, deadline))\n            && self.await_count(deadline)",
        broken: "self.await_count(deadline)",
    },
    Fault {
        file: "src/raw_rwmutex/writer.rs",
        name: "no second look",
        code: "let is_drained = self.drain_slots(|slot| self.is_passing(slot));",
        broken: "let is_drained = true;",
    },
    Fault {
        file: "src/raw_rwmutex/writer.rs",
        name: "in beside readers",
        code: "if is_held_alone(word) {\n            WriteToken(word)",
        broken: "if is_announced(word) {\n            WriteToken(word)",
    },
    Fault {
        file: "src/raw_rwmutex/word.rs",
        name: "readers pass the successor",
        code: "word & (WRITER | SUCCESSOR | COUNTED) == 0",
        broken: "word & (WRITER | COUNTED) == 0",
    },
    Fault {
        file: "src/raw_rwmutex/reader.rs",
        name: "slots do for quiet",
        code: "if !admits_quiet_readers(self.word.load(Acquire)) {",
        broken: "if !admits_slot_readers(self.word.load(Acquire)) {",
    },
    Fault {
        file: "src/readers.rs",
        name: "a slot filled twice",
        code: "let is_empty = self.0.load(Acquire) == 0;",
        broken: "let is_empty = self.0.load(Acquire) < u32::MAX;",
    },
    Fault {
        file: "src/readers/registry.rs",
        name: "forgotten guards stay",
        code: "filled.for_each(Slot::clear);",
        broken: "filled.for_each(|_| ());",
    },
    Fault {
        file: "src/readers/registry.rs",
        name: "a block without a mark",
        code: "self.mark(block);\n        self.orphaned",
        broken: "self.orphaned",
    },
    Fault {
        file: "src/readers/registry.rs",
        name: "a guard without a mark",
        code: "0 => free.full.push_back(block),",
        broken: "0 => self.unmark(block),",
    },
    Fault {
        file: "src/readers.rs",
        name: "a block not seen empty",
        code: "self.slots.iter().filter(|slot| slot.holds(0)).count()",
        broken: "self.slots.iter().filter(|slot| slot.0.load(Ordering::Relaxed) == 0).count()",
    },
    Fault {
        file: "src/segmented_vec.rs",
        name: "one element not looked at",
        code: "let len = self.len.load(Acquire) as usize;",
        broken: "let len = (self.len.load(Acquire) as usize).saturating_sub(1);",
    },
    Fault {
        file: "src/task.rs",
        name: "claimed by all",
        code: "self.word.fetch_or(CLAIMED, Relaxed) & CLAIMED == 0",
        broken: "self.word.fetch_or(CLAIMED, Relaxed) & CLAIMED < 2",
    },
    Fault {
        file: "src/task.rs",
        name: "detached result stays",
        code: "self.word.fetch_or(DETACHED, Acquire) & ENDED != 0",
        broken: "self.word.fetch_or(DETACHED, Acquire) & ENDED > ENDED",
    },
    Fault {
        file: "src/task.rs",
        name: "runner keeps the result",
        code: "word & DETACHED != 0",
        broken: "word & DETACHED > DETACHED",
    },
    Fault {
        file: "src/workers/blocking.rs",
        name: "what came between naps",
        code: "Parked::Invalid if has_slept => return Parked::Unparked,",
        broken: "",
    },
    Fault {
        file: "src/workers/blocking.rs",
        name: "one nap",
        code: "Parked::TimedOut if end != deadline => has_slept = true,",
        broken: "",
    },
    Fault {
        file: "src/workers/helping.rs",
        name: "runs whatever is on top",
        code: "if ptr::eq(job.group(), group) {",
        broken: "if ptr::eq(job.group(), group) || true {",
    },
    Fault {
        file: "src/workers/helping.rs",
        name: "others not requeued",
        code: "requeue(&mut others[..passed]);",
        broken: "drop(others);",
    },
    Fault {
        file: "src/workers/blocking.rs",
        name: "blocks with its processor",
        code: "if let Some(p) = detach_processor() {\n                scheduler().block(p);\n            }",
        broken: "detach_processor();",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "raised without a look",
        code: "let calls = self.set_signals(&state) && self.has_waiting_now(&state);",
        broken: "let calls = self.set_signals(&state) && false;",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "found and no worker woken",
        code: "self.change_with_external(queued_by.external(), |state| state.is_searching = false);",
        broken: "self.change_quietly(|state| state.is_searching = false);",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "blocked ones count",
        code: "if p.holder() == Holder::Running {\n            state.running -= 1;\n        }",
        broken: "",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "ends although woken",
        code: "me.sleep(park::deadline(IDLE_TIMEOUT)) || !self.try_exit(ticket)",
        broken: "me.sleep(park::deadline(IDLE_TIMEOUT)) || self.try_exit(ticket) && false",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "dozes without a look",
        code: "if self.has_waiting_now(&state) {\n            state.watch",
        broken: "if self.has_waiting_now(&state) && false {\n            state.watch",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "monitor never goes",
        code: "let wakeup = if state.workers == 0 {",
        broken: "let wakeup = if state.workers > state.workers {",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "stolen goroutines not announced",
        code: "self.notify_for(p, queued_by);\n        }",
        broken: "let _ = (p, queued_by);\n        }",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "no monitor and no retry",
        code: "if !may_be_alone() {",
        broken: "if !may_be_alone() || true {",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "one retry",
        code: "self.wake(0);\n        may_be_alone()",
        broken: "self.wake(0);\n        false",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "maybe a monitor and no retry",
        code: "signals & MONITOR_STARTING != 0\n",
        broken: "signals & MONITOR_STARTING > MONITOR_STARTING\n",
    },
    Fault {
        file: "src/workers/decisions.rs",
        name: "refused forever",
        code: "is_refused: mem::take(&mut self.is_refused),",
        broken: "is_refused: self.is_refused,",
    },
    Fault {
        file: "src/workers/decisions.rs",
        name: "refused and still counted",
        code: "self.running -= new;\n",
        broken: "",
    },
    Fault {
        file: "src/workers/decisions.rs",
        name: "hogs count",
        code: "let runs = runs.iter().filter(|run| self.make_stuck(run));",
        broken: "let runs = runs.iter();",
    },
    Fault {
        file: "src/workers/decisions.rs",
        name: "some of a batch do not count",
        code: "self.running += count;",
        broken: "self.running += 1;",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "left and no worker woken",
        code: "        // Pairs with the fence in `has_waiting_now`: on their way the goroutines were in no queue.\n        fence(SeqCst);\n        self.wake_for(QueuedBy::Other);\n",
        broken: "",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "released with goroutines in it",
        code: "let jobs = processor::take_all();",
        broken: "let jobs: Vec<Arc<dyn Job>> = Vec::new();",
    },
    Fault {
        file: "src/workers/scheduler.rs",
        name: "queued in an unlisted processor",
        code: "if !p.is_listed() {\n            self.list(p);\n        }",
        broken: "",
    },
    Fault {
        file: "src/workers/processors.rs",
        name: "passed over without a second look",
        code: "        if p.len() > 0 {\n            self.list(p);\n        }",
        broken: "",
    },
    Fault {
        file: "src/workers/processors.rs",
        name: "the last one is lost",
        code: "self.put(moved, position);",
        broken: "let _ = moved;",
    },
];

/// Returns the edits for `file` with the content `text`. Fails with a description if a fault does not match
/// exactly one place.
pub fn faults(file: &str, text: &str) -> Result<Vec<Edit>, String> {
    let faults = FAULTS.iter().filter(|fault| fault.file == file);
    faults.map(|fault| edit(fault, text)).collect()
}

fn edit(fault: &Fault, text: &str) -> Result<Edit, String> {
    let mut places = text.match_indices(fault.code);
    match (places.next(), places.next()) {
        (Some((at, code)), None) => Ok(Edit {
            range: at..at + code.len(),
            replacement: fault.broken.into(),
            change: fault.name.into(),
        }),
        (None, _) => Err(format!("`{}` does not occur in {}", fault.name, fault.file)),
        (_, Some(_)) => Err(format!("`{}` occurs twice in {}", fault.name, fault.file)),
    }
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, Fault, edit};
    use crate::repo;

    const FAULT: Fault = Fault {
        file: "lock.rs",
        name: "no wake",
        code: "wake();",
        broken: "",
    };

    #[test]
    fn every_fault_has_its_place() {
        for fault in FAULTS {
            let text = repo::read(&repo::root().join(fault.file)).unwrap();
            edit(fault, &text).unwrap();
        }
    }

    #[test]
    fn a_fault_stands_in_one_place() {
        let found = edit(&FAULT, "clear(); wake(); a").unwrap();
        assert_eq!(found.range, 9..16);
        assert!(edit(&FAULT, "clear();").is_err());
        assert!(edit(&FAULT, "wake(); wake();").is_err());
    }
}
