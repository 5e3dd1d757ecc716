package main

import (
	"sync"
	"time"
)

// barrier lets 400 goroutines and main wait for each other, in a process that has done nothing before.
// Reports milliseconds.
func barrier() {
	const size = 400
	start := time.Now()
	b := newMeeting(size + 1)
	for range size {
		go b.wait()
	}
	b.wait()
	report("barrier", millis(time.Since(start)))
}

// meeting is as much of Rust's std::sync::Barrier as is needed here.
type meeting struct {
	mu      sync.Mutex
	all     sync.Cond
	missing int
}

func newMeeting(size int) *meeting {
	m := &meeting{missing: size}
	m.all.L = &m.mu
	return m
}

func (m *meeting) wait() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.missing--
	if m.missing == 0 {
		m.all.Broadcast()
	}
	for m.missing > 0 {
		m.all.Wait()
	}
}
