package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// hogs starts 8 goroutines that compute until they are told to end, and then a short one. Reports the
// milliseconds until the short one begins.
func hogs() {
	report("hogs", median(func() float64 {
		var stop atomic.Bool
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for !stop.Load() {
				}
			})
		}
		begun := make(chan time.Duration, 1)
		start := time.Now()
		go func() { begun <- time.Since(start) }()
		// Go lets the youngest goroutine pass all others. That must not be the one that is measured.
		go func() {}()
		took := <-begun
		stop.Store(true)
		wg.Wait()
		return millis(took)
	}))
}
