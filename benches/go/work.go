package main

import (
	"runtime"
	"sync"
	"time"
)

const (
	// Pieces of work in a round, and how long each takes.
	pieces = 1000
	length = 10 * time.Microsecond
)

var sink uint64

// work hands out pieces of work to goroutines: the time as a multiple of what one goroutine would need
// for all of them, divided by the processors.
func work() {
	rounds := calibrate()
	processors := runtime.GOMAXPROCS(0)
	report("work", median(func() float64 {
		alone := elapsed(func() {
			for range pieces {
				compute(rounds)
			}
		})
		shared := elapsed(func() {
			var wg sync.WaitGroup
			for range pieces {
				wg.Go(func() { compute(rounds) })
			}
			wg.Wait()
		})
		return shared.Seconds() * float64(processors) / alone.Seconds()
	}))
}

// calibrate returns how many rounds of compute make a piece.
func calibrate() int {
	const many = 1_000_000
	compute(many)
	each := median(func() float64 { return elapsed(func() { compute(many) }).Seconds() / many })
	return int(length.Seconds() / each)
}

// compute does not look at the clock: it would take time off for a processor, too.
//
//go:noinline
func compute(rounds int) {
	x := uint64(rounds) | 1
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 {
		sink = x // Never, but the compiler does not know.
	}
}
