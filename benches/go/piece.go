package main

import (
	"runtime"
	"sync"
	"time"
)

var sink uint64

// calibrate returns how many rounds of computePiece make a piece of that length.
func calibrate(length time.Duration) int {
	const many = 1_000_000
	computePiece(many)
	each := median(func() float64 { return elapsed(func() { computePiece(many) }).Seconds() / many })
	return int(length.Seconds() / each)
}

// computePiece does not look at the clock, which also advances while the thread waits for a CPU.
//
//go:noinline
func computePiece(rounds int) {
	x := uint64(rounds) | 1
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 {
		sink = x // This never happens, but the compiler does not know that.
	}
}

// sharedPieces hands out pieces of work to goroutines. It returns the time as a multiple of what one
// goroutine would need for all of them, divided by the number of CPUs.
func sharedPieces(count, rounds int) float64 {
	alone := elapsed(func() {
		for range count {
			computePiece(rounds)
		}
	})
	shared := elapsed(func() {
		var wg sync.WaitGroup
		for range count {
			wg.Go(func() { computePiece(rounds) })
		}
		wg.Wait()
	})
	return shared.Seconds() * float64(runtime.GOMAXPROCS(0)) / alone.Seconds()
}
