package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// idle starts a million goroutines, and does nothing once they have ended. Reports the milliseconds of CPU
// time that the process still uses in 10 seconds, and the number of threads beside main that are left then.
func idle() {
	for range 1_000_000 {
		go func() {}()
	}
	for runtime.NumGoroutine() > 1 {
		time.Sleep(time.Millisecond)
	}
	used := processorTime()
	time.Sleep(10 * time.Second)
	report("idle_millis", millis(processorTime()-used))
	report("idle_threads", float64(threads()-1))
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func threads() int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		panic(err)
	}
	return len(tasks)
}
