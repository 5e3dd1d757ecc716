package main

import "time"

// work hands out 1,000 pieces of work of 10 µs to goroutines.
func work() {
	rounds := calibrate(10 * time.Microsecond)
	report("work", median(func() float64 { return sharedPieces(1000, rounds) }))
}
