package main

import "sync"

// errGroup starts goroutines that do nothing and return no error, and waits for all of them and for the first
// error. Reports nanoseconds per goroutine. It does what golang.org/x/sync's errgroup does, without fetching
// a module.
func errGroup() {
	const total, size = 100_000, 1000
	nanos := nanosEach(total, func() {
		for range total / size {
			if firstError(size) != nil {
				panic("nobody fails")
			}
		}
	})
	report("err_group", nanos)
}

func firstError(size int) (first error) {
	var wg sync.WaitGroup
	var once sync.Once
	for range size {
		wg.Go(func() {
			if err := succeed(); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return
}

//go:noinline
func succeed() error {
	return nil
}
