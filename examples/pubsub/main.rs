//! A broker passes messages on to the subscribers of their topics. The messages are the lines of a Markdown
//! file. A subscriber that is too slow misses messages, and holds up neither the publishers nor the others.
//! This is `main.go`, ported.
//!
//! ```text
//! cargo run --example pubsub -- [FILE]
//! go run examples/pubsub/main.go [FILE]
//! ```
//!
//! See `worker_pool` for why the subscribers receive inside of [`block_in_place`].

use clap::Parser;
use crossbeam_channel::{Receiver, Sender, bounded};
use gosync::{RWMutex, WaitGroup, block_in_place, go};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The beginning of a line, and its topic. The first that fits counts.
const TOPICS: [(&str, &str); 3] = [("#", "heading"), ("|", "table"), ("", "text")];

/// Publishes the lines of a Markdown file to subscribers.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "README.md")]
    file: PathBuf,
}

fn main() -> ExitCode {
    gosync::abort_on_panic(); // As in Go.
    let file = Options::parse().file;
    let text = match fs::read(&file) {
        Ok(data) => String::from_utf8_lossy(&data).into_owned(),
        Err(error) => {
            eprintln!("pubsub: {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };
    let mut lines = HashMap::<_, Vec<String>>::new();
    for line in text.split('\n') {
        let topic = lines.entry(topic_of(line)).or_default();
        topic.push(line.to_owned());
    }

    let broker = Arc::new(Broker::default());
    let publishers = WaitGroup::new();
    publishers.add(TOPICS.len() as isize);
    let mut reports = Vec::new();
    for (_, topic) in TOPICS {
        let fast = broker.subscribe(topic, lines.get(topic).map_or(0, Vec::len));
        // Go: each goroutine writes its element of `reports`. Here it returns it, and `join` waits.
        reports.push(go!({ format!("{topic}, fast: {}", receive(fast)) }));
        let slow = broker.subscribe(topic, 3);
        let publishers = publishers.clone();
        reports.push(go!({
            publishers.wait(); // So slow that everything has been published by now.
            format!("{topic}, slow: {}", receive(slow))
        }));
    }
    for (_, topic) in TOPICS {
        let lines = lines.remove(topic).unwrap_or_default();
        let (broker, publishers) = (Arc::clone(&broker), publishers.clone());
        go!({
            for line in lines {
                broker.publish(topic, &line);
            }
            publishers.done();
        });
    }
    publishers.wait();
    broker.close();
    for report in reports {
        println!("{}", report.join().unwrap());
    }
    ExitCode::SUCCESS
}

fn topic_of(line: &str) -> &'static str {
    let mut topics = TOPICS.iter();
    let topic = topics.find(|(prefix, _)| line.starts_with(prefix));
    topic.expect("the last prefix fits every line").1
}

/// Go: one struct for both sides of a channel. Here each side has its end.
type Subscribers = HashMap<&'static str, Vec<(Sender<String>, Arc<AtomicUsize>)>>;

#[derive(Default)]
struct Broker {
    // Go: a mutex beside the map. Here the map is inside.
    subscribers: RWMutex<Subscribers>,
}

struct Subscription {
    messages: Receiver<String>,
    missed: Arc<AtomicUsize>,
}

impl Broker {
    /// Returns a subscription that keeps up to `capacity` messages for its subscriber.
    fn subscribe(&self, topic: &'static str, capacity: usize) -> Subscription {
        let (sender, messages) = bounded(capacity);
        let missed = Arc::new(AtomicUsize::new(0));
        let mut subscribers = self.subscribers.lock();
        let topic = subscribers.entry(topic).or_default();
        topic.push((sender, Arc::clone(&missed)));
        Subscription { messages, missed }
    }

    /// Never waits for a subscriber: one whose channel is full misses the message.
    fn publish(&self, topic: &str, message: &str) {
        let subscribers = self.subscribers.rlock();
        for (messages, missed) in subscribers.get(topic).into_iter().flatten() {
            // Go: a `select` with a `default`.
            if messages.try_send(message.to_owned()).is_err() {
                missed.fetch_add(1, Relaxed);
            }
        }
    }

    /// Ends all subscriptions: it drops the only sender of each.
    fn close(&self) {
        self.subscribers.lock().clear();
    }
}

/// Receives until the subscription ends.
fn receive(from: Subscription) -> String {
    let (mut messages, mut bytes) = (0, 0);
    while let Ok(message) = block_in_place(|| from.messages.recv()) {
        messages += 1;
        bytes += message.len();
    }
    let missed = from.missed.load(Relaxed);
    format!("{messages} messages of {bytes} bytes, {missed} missed")
}
