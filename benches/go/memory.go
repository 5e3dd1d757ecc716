package main

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memory lets goroutines block in a wait group. Reports by how many MiB the memory of the process grows.
func memory() {
	var gate sync.WaitGroup
	gate.Add(1)
	before := resident()
	hold(blocked, func(int) { gate.Wait() }, func() {
		time.Sleep(100 * time.Millisecond) // The last ones have started, and are about to block.
		report("memory", resident()-before)
	}, gate.Done)
}

// resident returns the resident memory in MiB.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		panic(err)
	}
	return kib / 1024
}
