// Digests all files below a directory: a bounded number of workers take their paths from a channel.
//
//	go run examples/worker_pool/main.go [DIRECTORY [WORKERS]]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
)

type digest struct {
	path string
	size int
	hash uint64
	err  error
}

func main() {
	flag.Parse()
	dir := cmp.Or(flag.Arg(0), "src")
	workers, err := strconv.Atoi(cmp.Or(flag.Arg(1), "4"))
	if err != nil || workers < 1 {
		fmt.Fprintln(os.Stderr, "usage: worker_pool [DIRECTORY [WORKERS]]")
		os.Exit(2)
	}
	digests, err := digestAll(os.DirFS(dir), workers)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker_pool:", err)
		os.Exit(1)
	}
	for _, d := range digests {
		fmt.Printf("%016x %8d  %s\n", d.hash, d.size, d.path)
	}
	fmt.Println(len(digests), "files")
}

// digestAll returns the digests of all files, in the order of their paths.
func digestAll(dir fs.FS, workers int) ([]digest, error) {
	paths := make(chan string)
	digests := make(chan digest)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { work(dir, paths, digests) })
	}
	go func() {
		wg.Wait()
		close(digests)
	}()
	walked := make(chan error, 1)
	go func() { walked <- walk(dir, paths) }()

	// All must be received, even after an error: a worker that sends to nobody waits forever.
	var all []digest
	var err error
	for d := range digests {
		all = append(all, d)
		if err == nil {
			err = d.err
		}
	}
	if err := cmp.Or(<-walked, err); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b digest) int { return cmp.Compare(a.path, b.path) })
	return all, nil
}

func work(dir fs.FS, paths <-chan string, digests chan<- digest) {
	for path := range paths {
		digests <- digestFile(dir, path)
	}
}

// walk sends the paths of all files, and closes the channel.
func walk(dir fs.FS, paths chan<- string) error {
	defer close(paths)
	return fs.WalkDir(dir, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type().IsRegular() {
			paths <- path
		}
		return nil
	})
}

func digestFile(dir fs.FS, path string) digest {
	data, err := fs.ReadFile(dir, path)
	hash := fnv.New64a()
	hash.Write(data)
	return digest{path, len(data), hash.Sum64(), err}
}
