package main

import "time"

// sieve finds the first 500 primes. Each prime has a goroutine that passes on the numbers which its prime
// does not divide, over channels without a buffer. Reports milliseconds.
func sieve() {
	start := time.Now()
	numbers := make(chan uint32)
	go count(numbers)
	for range 500 {
		prime := <-numbers
		rest := make(chan uint32)
		go filter(prime, numbers, rest)
		numbers = rest
	}
	report("sieve", millis(time.Since(start)))
}

func count(to chan<- uint32) {
	for n := uint32(2); ; n++ {
		to <- n
	}
}

func filter(prime uint32, from <-chan uint32, to chan<- uint32) {
	for n := range from {
		if n%prime != 0 {
			to <- n
		}
	}
}
