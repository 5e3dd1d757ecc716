// Adds up the sizes of all files below a directory, by extension. A limited number of goroutines walk the
// directories, and the first error stops them.
//
//	go run examples/crawler/main.go [DIRECTORY [LIMIT]]
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

func main() {
	flag.Parse()
	dir := cmp.Or(flag.Arg(0), "src")
	limit, err := strconv.ParseUint(cmp.Or(flag.Arg(1), "4"), 10, 16)
	if err != nil || limit == 0 {
		fmt.Fprintln(os.Stderr, "usage: crawler [DIRECTORY [LIMIT]]")
		os.Exit(2)
	}
	sums, err := crawl(dir, int(limit))
	if err != nil {
		fmt.Fprintln(os.Stderr, "crawler:", err)
		os.Exit(1)
	}
	for _, extension := range slices.Sorted(maps.Keys(sums)) {
		sum := sums[extension]
		fmt.Printf("%12d bytes %6d files  %s\n", sum.bytes, sum.files, extension)
	}
}

type sum struct {
	files int
	bytes int64
}

type crawler struct {
	group *group
	mu    sync.Mutex
	sums  map[string]sum
}

func crawl(dir string, limit int) (map[string]sum, error) {
	c := &crawler{group: newGroup(limit), sums: map[string]sum{}}
	c.group.tryGo(func() error { return c.visit(dir) })
	err := c.group.wait()
	return c.sums, err
}

// visit adds the files of a directory, and visits the directories in it: in a new goroutine, or in this one
// if the limit is reached. Waiting for another one to end could be a deadlock.
func (c *crawler) visit(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case c.group.ctx.Err() != nil:
			return nil // Another goroutine has failed.
		case entry.IsDir():
			if !c.group.tryGo(func() error { return c.visit(path) }) {
				err = c.visit(path)
			}
		case entry.Type().IsRegular():
			err = c.add(entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *crawler) add(file os.DirEntry) error {
	info, err := file.Info()
	if err != nil {
		return err
	}
	extension := cmp.Or(filepath.Ext(file.Name()), "(none)")
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.sums[extension]
	sum.files++
	sum.bytes += info.Size()
	c.sums[extension] = sum
	return nil
}

// group does what golang.org/x/sync/errgroup does with a context and a limit, without fetching a module.
type group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	tokens chan struct{}
}

func newGroup(limit int) *group {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &group{ctx: ctx, cancel: cancel, tokens: make(chan struct{}, limit)}
}

func (g *group) tryGo(f func() error) bool {
	select {
	case g.tokens <- struct{}{}:
	default:
		return false
	}
	g.wg.Go(func() {
		if err := f(); err != nil {
			g.cancel(err) // Only the first call has an effect.
		}
		<-g.tokens
	})
	return true
}

func (g *group) wait() error {
	g.wg.Wait()
	return context.Cause(g.ctx)
}
