// A token bucket limits how many events of many goroutines happen per second.
//
//	go run examples/rate_limiter/main.go [EVENTS [PER_SECOND [BURST]]]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	flag.Parse()
	events, perSecond, burst := number(0, "25"), number(1, "200"), number(2, "5")
	interval := time.Second / time.Duration(perSecond)

	start := time.Now()
	limiter := newLimiter(burst)
	stop := make(chan struct{})
	var refiller sync.WaitGroup
	refiller.Go(func() { limiter.refill(interval, stop) })
	var wg sync.WaitGroup
	var happened atomic.Int64
	for range events {
		wg.Go(func() {
			limiter.wait()
			happened.Add(1)
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	close(stop)
	refiller.Wait()

	least := time.Duration(max(events-burst, 0)) * interval
	fmt.Printf("%d events, at most %d at once and then %d per second\n", happened.Load(), burst, perSecond)
	fmt.Printf("took %d ms at least: %v\n", least.Milliseconds(), elapsed >= least)
	fmt.Println("the refiller has ended")
}

// limiter is a bucket of tokens. Each event takes one, and the bucket is refilled at intervals.
type limiter struct {
	mu     sync.Mutex
	filled *sync.Cond
	tokens int
	burst  int
}

// newLimiter returns a full bucket.
func newLimiter(burst int) *limiter {
	l := &limiter{tokens: burst, burst: burst}
	l.filled = sync.NewCond(&l.mu)
	return l
}

// wait waits for a token, and takes it.
func (l *limiter) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.tokens == 0 {
		l.filled.Wait()
	}
	l.tokens--
}

// refill adds a token at each interval, until stop is closed.
func (l *limiter) refill(interval time.Duration, stop <-chan struct{}) {
	ticks := time.Tick(interval)
	for {
		select {
		case <-stop:
			return
		case <-ticks:
			l.mu.Lock()
			l.tokens = min(l.tokens+1, l.burst)
			l.mu.Unlock()
			l.filled.Signal()
		}
	}
}

// number returns an argument, or its default value.
func number(index int, value string) int {
	n, err := strconv.ParseUint(cmp.Or(flag.Arg(index), value), 10, 16)
	if err != nil || n == 0 {
		fmt.Fprintln(os.Stderr, "usage: rate_limiter [EVENTS [PER_SECOND [BURST]]]")
		os.Exit(2)
	}
	return int(n)
}
