// Prints the primes up to a number, each with its distance from the one before. The numbers go through a
// pipeline: a generator, a filter for each prime (the sieve), one more stage, and main.
//
//	go run examples/sieve/main.go [MAX]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strconv"
)

func main() {
	flag.Parse()
	max, err := strconv.ParseUint(cmp.Or(flag.Arg(0), "100"), 10, 32)
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: sieve [MAX]")
		os.Exit(2)
	}
	for step := range distances(primes(max)) {
		fmt.Printf("%6d +%d\n", step.prime, step.distance)
	}
}

// generate sends the numbers from 2 to max.
func generate(max uint64) <-chan uint64 {
	out := make(chan uint64)
	go func() {
		defer close(out)
		for n := uint64(2); n <= max; n++ {
			out <- n
		}
	}()
	return out
}

// filter passes on the numbers that prime does not divide.
func filter(prime uint64, numbers <-chan uint64) <-chan uint64 {
	out := make(chan uint64)
	go func() {
		defer close(out)
		for n := range numbers {
			if n%prime != 0 {
				out <- n
			}
		}
	}()
	return out
}

// primes sends the primes up to max. The first number that passes all filters is the next prime, and gets a
// filter of its own.
func primes(max uint64) <-chan uint64 {
	out := make(chan uint64)
	go func() {
		defer close(out)
		numbers := generate(max)
		for {
			prime, ok := <-numbers
			if !ok {
				return
			}
			out <- prime
			numbers = filter(prime, numbers)
		}
	}()
	return out
}

type step struct{ prime, distance uint64 }

// distances adds to each prime its distance from the one before.
func distances(primes <-chan uint64) <-chan step {
	out := make(chan step)
	go func() {
		defer close(out)
		last := uint64(0)
		for prime := range primes {
			out <- step{prime, prime - last}
			last = prime
		}
	}()
	return out
}
