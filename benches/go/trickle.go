package main

import (
	"sort"
	"time"
)

// trickle lets 200 goroutines block in channels, and starts one more every 5 ms, 300 times. Reports the
// milliseconds until each of those begins. They then block in channels, too.
func trickle() {
	const sitting, more = 200, 300
	gates := channels(sitting + more)
	latencies := make([]float64, more)
	hold(sitting, func(i int) { <-gates[i] }, func() {
		begun := make(chan float64, more)
		for i := range more {
			start := time.Now()
			go func() {
				begun <- millis(time.Since(start))
				<-gates[sitting+i]
			}()
			time.Sleep(5 * time.Millisecond)
		}
		for i := range latencies {
			latencies[i] = <-begun
		}
	}, func() { closeAll(gates) })
	sort.Float64s(latencies)
	report("trickle_median", latencies[more/2])
	report("trickle_p99", latencies[more*99/100])
}
