// The dining philosophers: each needs two forks to eat, and shares each of them with a neighbour. All take
// the fork with the lower number first, so there is no deadlock.
//
//	go run examples/philosophers/main.go [PHILOSOPHERS [MEALS]]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
)

func main() {
	flag.Parse()
	count, meals := number(0, "5", 2), number(1, "1000", 0)
	forks := make([]fork, count)
	eaten := make([]int, count)
	var wg sync.WaitGroup
	for seat := range count {
		wg.Go(func() { eaten[seat] = dine(forks, seat, meals) })
	}
	wg.Wait()
	for seat, n := range eaten {
		fmt.Printf("philosopher %d has eaten %d times\n", seat, n)
	}
	for i := range forks {
		fmt.Printf("fork %d was used %d times\n", i, forks[i].uses)
	}
}

type fork struct {
	sync.Mutex
	uses int
}

// dine lets the philosopher at a seat eat so many meals. It returns how often they ate.
func dine(forks []fork, seat, meals int) int {
	left, right := seat, (seat+1)%len(forks)
	first, second := &forks[min(left, right)], &forks[max(left, right)]
	eaten := 0
	for range meals {
		eat(first, second)
		eaten++
	}
	return eaten
}

func eat(first, second *fork) {
	first.Lock()
	defer first.Unlock()
	second.Lock()
	defer second.Unlock()
	first.uses++
	second.uses++
}

// number returns an argument, or its default value.
func number(index int, value string, least uint64) int {
	n, err := strconv.ParseUint(cmp.Or(flag.Arg(index), value), 10, 32)
	if err != nil || n < least {
		fmt.Fprintln(os.Stderr, "usage: philosophers [PHILOSOPHERS [MEALS]], 2 philosophers at least")
		os.Exit(2)
	}
	return int(n)
}
