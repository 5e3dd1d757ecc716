package main

import (
	"fmt"
	"sort"
	"sync"
	"time"
)

func median(rounds int, ops int, f func()) float64 {
	f()
	times := make([]float64, rounds)
	for i := range times {
		start := time.Now()
		f()
		times[i] = float64(time.Since(start).Nanoseconds()) / float64(ops)
	}
	sort.Float64s(times)
	return times[rounds/2]
}

var sink int

func main() {
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		reps := 100000 / n
		t := median(21, reps*n, func() {
			for r := 0; r < reps; r++ {
				var wg sync.WaitGroup
				for i := 0; i < n; i++ {
					wg.Go(func() {})
				}
				wg.Wait()
			}
		})
		fmt.Printf("fan_out_in_%d %.1f\n", n, t)
	}
	t := median(21, 100000, func() {
		for i := 0; i < 100000; i++ {
			done := make(chan int)
			go func() { done <- i }()
			<-done
		}
	})
	fmt.Printf("spawn_join %.1f\n", t)
	t = median(21, 8*20000, func() {
		var all sync.WaitGroup
		for k := 0; k < 8; k++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := 0; i < 20000; i++ {
					done := make(chan int)
					go func() { done <- i }()
					<-done
				}
			}()
		}
		all.Wait()
	})
	fmt.Printf("spawn_join_8 %.1f\n", t)
}
