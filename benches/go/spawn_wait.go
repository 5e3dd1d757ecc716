package main

import "sync"

// spawnWait repeatedly starts a goroutine and waits for its result. Reports nanoseconds per goroutine. Then
// does the same in 8 goroutines at once.
func spawnWait() {
	const total = 100_000
	report("spawn_wait", nanosEach(total, func() { results(total) }))
	report("spawn_wait_8", nanosEach(total, func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { results(total / 8) })
		}
		wg.Wait()
	}))
}

func results(count int) {
	for i := range count {
		result := make(chan int, 1)
		go func() { result <- i }()
		<-result
	}
}
