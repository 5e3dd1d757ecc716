package main

import (
	"sync"
	"time"
)

// The number of goroutines that block.
const blocked = 10_000

// blockedWg starts goroutines that all block in a wait group. Reports the milliseconds until all have
// started.
func blockedWg() {
	var gate sync.WaitGroup
	gate.Add(1)
	reportBlocked("blocked_wg", gate.Wait, gate.Done)
}

// blockedRwmutex is like blockedWg, in an RWMutex, as readers.
func blockedRwmutex() {
	var lock sync.RWMutex
	lock.Lock()
	reportBlocked("blocked_rwmutex", func() {
		lock.RLock()
		lock.RUnlock()
	}, lock.Unlock)
}

// blockedMutex is like blockedWg, in a Mutex.
func blockedMutex() {
	var lock sync.Mutex
	lock.Lock()
	reportBlocked("blocked_mutex", func() {
		lock.Lock()
		lock.Unlock()
	}, lock.Unlock)
}

// blockedChannel is like blockedWg, in channels, one for each goroutine.
func blockedChannel() {
	gates := channels(blocked)
	start := time.Now()
	hold(blocked, func(i int) { <-gates[i] }, func() {
		report("blocked_channel", millis(time.Since(start)))
	}, func() { closeAll(gates) })
}

func reportBlocked(name string, block, release func()) {
	start := time.Now()
	hold(blocked, func(int) { block() }, func() {
		report(name, millis(time.Since(start)))
	}, release)
}

// hold starts count goroutines, each of which announces that it has started and then blocks. Once all have
// started, it calls look, lets them continue, and waits for them.
func hold(count int, block func(int), look, release func()) {
	var started, ended sync.WaitGroup
	started.Add(count)
	for i := range count {
		ended.Go(func() {
			started.Done()
			block(i)
		})
	}
	started.Wait()
	look()
	release()
	ended.Wait()
}

func channels(count int) []chan struct{} {
	channels := make([]chan struct{}, count)
	for i := range channels {
		channels[i] = make(chan struct{})
	}
	return channels
}

func closeAll(channels []chan struct{}) {
	for _, channel := range channels {
		close(channel)
	}
}
