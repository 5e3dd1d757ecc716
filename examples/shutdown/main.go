// A TCP echo server with a goroutine for each connection, and its clients. Once they are done, the server is
// asked to stop, and waits until all connections have ended, but not longer than a timeout. Idle clients
// never end theirs. The exit code is 1 if the server had to give up on some.
//
//	go run examples/shutdown/main.go [CLIENTS [IDLE [TIMEOUT_MS]]]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	flag.Parse()
	clients, idle, timeout := number(0, "20"), number(1, "0"), number(2, "10000")
	server := &server{listener: must(net.Listen("tcp", "127.0.0.1:0"))}
	server.connections.Go(server.serve)
	address := server.listener.Addr().String()

	for range idle {
		conn := must(net.Dial("tcp", address))
		defer conn.Close()
		must(conn.Write([]byte{0}))
		must(io.ReadFull(conn, make([]byte, 1)))
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { greet(address, i) })
	}
	wg.Wait()

	inTime := server.shutDown(time.Duration(timeout) * time.Millisecond)
	fmt.Printf("%d connections, %d served\n", clients+idle, server.served.Load())
	fmt.Println("all ended in time:", inTime)
	if !inTime {
		os.Exit(1)
	}
}

type server struct {
	listener net.Listener
	// The goroutines of the server: one for each connection, and the one that accepts them.
	connections sync.WaitGroup
	served      atomic.Int64
}

// serve accepts connections until the listener is closed.
func (s *server) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.connections.Go(func() { s.echo(conn) })
	}
}

// echo sends everything back, until the client has no more to send.
func (s *server) echo(conn net.Conn) {
	defer conn.Close()
	must(io.Copy(conn, conn))
	s.served.Add(1)
}

// shutDown lets no more connections in, and waits for those inside. It returns false if that takes too long.
func (s *server) shutDown(timeout time.Duration) bool {
	s.listener.Close()
	ended := make(chan struct{})
	go func() {
		s.connections.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(timeout):
		return false
	}
}

// greet is a client. It returns when the server has closed the connection.
func greet(address string, i int) {
	conn := must(net.Dial("tcp", address)).(*net.TCPConn)
	defer conn.Close()
	greeting := fmt.Sprintf("hello from client %d", i)
	must(io.WriteString(conn, greeting))
	conn.CloseWrite()
	if reply := must(io.ReadAll(conn)); string(reply) != greeting {
		panic("another greeting came back")
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// number returns an argument, or its default value.
func number(index int, value string) int {
	n, err := strconv.ParseUint(cmp.Or(flag.Arg(index), value), 10, 16)
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: shutdown [CLIENTS [IDLE [TIMEOUT_MS]]]")
		os.Exit(2)
	}
	return int(n)
}
