// Counts the words of files: a goroutine for each file and for each part of it, and the results of all in one
// map. Prints the 20 most frequent words.
//
//	go run examples/fan_out/main.go [FILE]...
package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

const (
	linesPerPart = 100
	top          = 20
)

func main() {
	flag.Parse()
	names := flag.Args()
	if len(names) == 0 {
		names = []string{"README.md"}
	}
	counts, err := countFiles(names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fan_out:", err)
		os.Exit(1)
	}
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, word := range words[:min(top, len(words))] {
		fmt.Printf("%7d  %s\n", counts[word], word)
	}
}

// countFiles counts each file in a goroutine. If several fail, it returns the error of the first.
func countFiles(names []string) (map[string]int, error) {
	type result struct {
		counts map[string]int
		err    error
	}
	results := make([]chan result, len(names))
	for i, name := range names {
		results[i] = make(chan result, 1)
		go func() {
			counts, err := countFile(name)
			results[i] <- result{counts, err}
		}()
	}
	total := make(map[string]int)
	for _, ch := range results {
		result := <-ch
		if result.err != nil {
			return nil, result.err
		}
		merge(total, result.counts)
	}
	return total, nil
}

// countFile counts each part of a file in a goroutine.
func countFile(name string) (map[string]int, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	results := make(chan map[string]int)
	parts := 0
	for part := range slices.Chunk(lines, linesPerPart) {
		go func() { results <- countWords(part) }()
		parts++
	}
	total := make(map[string]int)
	for range parts {
		merge(total, <-results)
	}
	return total, nil
}

// countWords counts runs of ASCII letters, in lower case.
func countWords(lines []string) map[string]int {
	counts := make(map[string]int)
	isLetter := func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	for _, line := range lines {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return !isLetter(r) }) {
			counts[strings.ToLower(word)]++
		}
	}
	return counts
}

func merge(total, counts map[string]int) {
	for word, n := range counts {
		total[word] += n
	}
}
