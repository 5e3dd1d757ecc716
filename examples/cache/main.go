// A cache whose entries expire. Goroutines look up all words of a file in it. A missing value is loaded once,
// however many goroutines want it, and a janitor removes what has expired.
//
//	go run examples/cache/main.go [FILE]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	flag.Parse()
	data, err := os.ReadFile(cmp.Or(flag.Arg(0), "README.md"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "cache:", err)
		os.Exit(1)
	}
	text := string(data)

	cache := newCache(time.Hour)
	var wg sync.WaitGroup
	for line := range strings.SplitSeq(text, "\n") {
		wg.Go(func() {
			for _, word := range strings.Fields(line) {
				cache.get(word, func() int { return strings.Count(text, word) })
			}
		})
	}
	wg.Wait()
	lookups, loads := len(strings.Fields(text)), cache.loads.Load()
	fmt.Printf("%d lookups: %d loads, %d hits\n", lookups, loads, lookups-int(loads))

	brief := newCache(5 * time.Millisecond)
	stop := make(chan struct{})
	var janitor sync.WaitGroup
	janitor.Go(func() { brief.sweep(time.Millisecond, stop) })
	for round := range 2 {
		for word := range cache.entries {
			brief.get(word, func() int { return strings.Count(text, word) })
		}
		brief.waitUntilEmpty()
		fmt.Printf("round %d: all have expired, after %d loads\n", round+1, brief.loads.Load())
	}
	close(stop)
	janitor.Wait()
	fmt.Println("the janitor has ended")
}

type entry struct {
	value   int
	expires time.Time
}

type cache struct {
	mu      sync.RWMutex
	entries map[string]entry
	swept   *sync.Cond
	flights flights
	ttl     time.Duration
	loads   atomic.Int64
}

func newCache(ttl time.Duration) *cache {
	c := &cache{entries: map[string]entry{}, flights: flights{calls: map[string]*call{}}, ttl: ttl}
	c.swept = sync.NewCond(&c.mu)
	return c
}

// get returns the value for a key. It calls load if there is none, and no other goroutine loads it.
func (c *cache) get(key string, load func() int) int {
	if value, ok := c.find(key); ok {
		return value
	}
	return c.flights.do(key, func() int {
		// Another flight may have ended since the first look.
		if value, ok := c.find(key); ok {
			return value
		}
		value := load()
		c.loads.Add(1)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.entries[key] = entry{value, time.Now().Add(c.ttl)}
		return value
	})
}

func (c *cache) find(key string) (int, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry, ok := c.entries[key]
	return entry.value, ok && time.Now().Before(entry.expires)
}

// sweep is the janitor: it removes what has expired, at intervals, until stop is closed.
func (c *cache) sweep(interval time.Duration, stop <-chan struct{}) {
	ticks := time.Tick(interval)
	for {
		select {
		case <-stop:
			return
		case <-ticks:
			now := time.Now()
			c.mu.Lock()
			maps.DeleteFunc(c.entries, func(_ string, e entry) bool { return !now.Before(e.expires) })
			c.mu.Unlock()
			c.swept.Broadcast()
		}
	}
}

func (c *cache) waitUntilEmpty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.entries) > 0 {
		c.swept.Wait()
	}
}

// flights does what golang.org/x/sync/singleflight does, without fetching a module.
type flights struct {
	mu    sync.Mutex
	calls map[string]*call
}

type call struct {
	ended chan struct{}
	value int
}

func (f *flights) do(key string, load func() int) int {
	f.mu.Lock()
	if c, ok := f.calls[key]; ok {
		f.mu.Unlock()
		<-c.ended
		return c.value
	}
	c := &call{ended: make(chan struct{})}
	f.calls[key] = c
	f.mu.Unlock()

	c.value = load()
	f.mu.Lock()
	delete(f.calls, key)
	f.mu.Unlock()
	close(c.ended)
	return c.value
}
