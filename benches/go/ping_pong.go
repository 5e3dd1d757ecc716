package main

import (
	"sync"
	"time"
)

// pingPong lets two goroutines signal each other with wait groups, there and back 10,000 times. Reports
// microseconds per round trip.
func pingPong() {
	const count = 10_000
	var ping, pong, ended sync.WaitGroup
	ping.Add(1)
	pong.Add(1)
	took := elapsed(func() {
		ended.Go(func() {
			for range count {
				ping.Done()
				await(&pong)
			}
		})
		ended.Go(func() {
			for range count {
				await(&ping)
				pong.Done()
			}
		})
		ended.Wait()
	})
	report("ping_pong", float64(took)/float64(time.Microsecond)/count)
}

// await takes a signal, and sets the group up for the next one before the other goroutine is signalled and
// may give it.
func await(signal *sync.WaitGroup) {
	signal.Wait()
	signal.Add(1)
}
