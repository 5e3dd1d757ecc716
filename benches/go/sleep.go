package main

import (
	"sync"
	"time"
)

// sleep lets 5,000 goroutines sleep for a second each. Reports the milliseconds until all have ended.
func sleep() {
	report("sleep", millis(elapsed(func() {
		var wg sync.WaitGroup
		for range 5000 {
			wg.Go(func() { time.Sleep(time.Second) })
		}
		wg.Wait()
	})))
}
