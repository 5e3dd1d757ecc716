// The program that `cargo xtask go` compares with the Rust program in the same directory. Prints how long the
// goroutines of a case take, each figure with its name.
package main

import (
	"fmt"
	"os"
	"sort"
	"time"
)

// How many times each figure is measured.
const rounds = 11

var cases = map[string]func(){
	"fan_out_in":      fanOutIn,
	"err_group":       errGroup,
	"spawn_wait":      spawnWait,
	"work":            work,
	"hogs":            hogs,
	"barrier":         barrier,
	"blocked_wg":      blockedWg,
	"blocked_rwmutex": blockedRwmutex,
	"blocked_mutex":   blockedMutex,
	"blocked_channel": blockedChannel,
	"memory":          memory,
	"sleep":           sleep,
	"trickle":         trickle,
	"compute":         compute,
	"sieve":           sieve,
	"ping_pong":       pingPong,
	"echo":            echo,
	"idle":            idle,
}

func main() {
	if len(os.Args) == 2 && cases[os.Args[1]] != nil {
		cases[os.Args[1]]()
		return
	}
	fmt.Fprintln(os.Stderr, "wants the name of a case")
	os.Exit(2)
}

func report(name string, figure float64) {
	fmt.Printf("%s %.4f\n", name, figure)
}

// nanosEach returns the nanoseconds that f takes for each of the count things that it does.
func nanosEach(count int, f func()) float64 {
	f() // The first call is slower.
	return median(func() float64 {
		return float64(elapsed(f).Nanoseconds()) / float64(count)
	})
}

func median(figure func() float64) float64 {
	figures := make([]float64, rounds)
	for i := range figures {
		figures[i] = figure()
	}
	sort.Float64s(figures)
	return figures[rounds/2]
}

func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func millis(d time.Duration) float64 {
	return d.Seconds() * 1e3
}
