package main

import "time"

// compute hands out 40 pieces of work of 20 ms to goroutines.
func compute() {
	rounds := calibrate(20 * time.Millisecond)
	report("compute", sharedPieces(40, rounds))
}
