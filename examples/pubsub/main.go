// A broker passes messages on to the subscribers of their topics. The messages are the lines of a Markdown
// file. A subscriber that is too slow misses messages, and holds up neither the publishers nor the others.
//
//	go run examples/pubsub/main.go [FILE]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// topics maps the beginning of a line to its topic. The first that fits counts.
var topics = []struct{ prefix, topic string }{{"#", "heading"}, {"|", "table"}, {"", "text"}}

func main() {
	flag.Parse()
	data, err := os.ReadFile(cmp.Or(flag.Arg(0), "README.md"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "pubsub:", err)
		os.Exit(1)
	}
	lines := map[string][]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		topic := topicOf(line)
		lines[topic] = append(lines[topic], line)
	}

	broker := &broker{subscriptions: map[string][]*subscription{}}
	var subscribers, publishers sync.WaitGroup
	publishers.Add(len(topics))
	reports := make([]string, 2*len(topics))
	for i, t := range topics {
		fast := broker.subscribe(t.topic, len(lines[t.topic]))
		subscribers.Go(func() { reports[2*i] = t.topic + ", fast: " + receive(fast) })
		slow := broker.subscribe(t.topic, 3)
		subscribers.Go(func() {
			publishers.Wait() // So slow that everything has been published by now.
			reports[2*i+1] = t.topic + ", slow: " + receive(slow)
		})
	}
	for _, t := range topics {
		go func() {
			defer publishers.Done()
			for _, line := range lines[t.topic] {
				broker.publish(t.topic, line)
			}
		}()
	}
	publishers.Wait()
	broker.close()
	subscribers.Wait()
	for _, report := range reports {
		fmt.Println(report)
	}
}

func topicOf(line string) string {
	for _, t := range topics {
		if strings.HasPrefix(line, t.prefix) {
			return t.topic
		}
	}
	panic("the last prefix fits every line")
}

type broker struct {
	mu            sync.RWMutex
	subscriptions map[string][]*subscription
}

type subscription struct {
	messages chan string
	missed   atomic.Int64
}

// subscribe returns a subscription that keeps up to so many messages for its subscriber.
func (b *broker) subscribe(topic string, capacity int) *subscription {
	s := &subscription{messages: make(chan string, capacity)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscriptions[topic] = append(b.subscriptions[topic], s)
	return s
}

// publish never waits for a subscriber: one whose channel is full misses the message.
func (b *broker) publish(topic, message string) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.subscriptions[topic] {
		select {
		case s.messages <- message:
		default:
			s.missed.Add(1)
		}
	}
}

// close ends all subscriptions.
func (b *broker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, subscriptions := range b.subscriptions {
		for _, s := range subscriptions {
			close(s.messages)
		}
	}
	clear(b.subscriptions)
}

// receive receives until the subscription ends.
func receive(s *subscription) string {
	messages, bytes := 0, 0
	for message := range s.messages {
		messages++
		bytes += len(message)
	}
	return fmt.Sprintf("%d messages of %d bytes, %d missed", messages, bytes, s.missed.Load())
}
