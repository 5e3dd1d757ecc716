package main

import (
	"fmt"
	"sync"
)

// fanOutIn starts goroutines that do nothing, and waits for them. Reports nanoseconds per goroutine.
func fanOutIn() {
	const total = 100_000
	for _, size := range []int{1, 10, 100, 1000, 10_000} {
		nanos := nanosEach(total, func() {
			for range total / size {
				group(size)
			}
		})
		report(fmt.Sprint("fan_out_in_", size), nanos)
	}
}

func group(size int) {
	var wg sync.WaitGroup
	for range size {
		wg.Go(func() {})
	}
	wg.Wait()
}
