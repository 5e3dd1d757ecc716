package main

import (
	"io"
	"net"
	"time"
)

// echo lets main send a byte over each of 2,000 connections to a server that has a goroutine for each
// connection. Reports the milliseconds until all bytes have come back.
func echo() {
	const count = 2000
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	start := time.Now()
	go serve(listener, count)
	clients := make([]net.Conn, count)
	for i := range clients {
		clients[i] = must(net.Dial("tcp", listener.Addr().String()))
		must(clients[i].Write([]byte{0}))
	}
	for _, client := range clients {
		must(io.ReadFull(client, make([]byte, 1)))
	}
	report("echo", millis(time.Since(start)))
}

func serve(listener net.Listener, count int) {
	for range count {
		client := must(listener.Accept())
		go func() {
			b := make([]byte, 1)
			for {
				if _, err := io.ReadFull(client, b); err != nil {
					return // The client is gone.
				}
				must(client.Write(b))
			}
		}()
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
