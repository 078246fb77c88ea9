// The peer in Go: a goroutine for each connection, blocking reads and writes of package net.
//
// Settings are Go's own defaults, which are what its documentation recommends: GOMAXPROCS is the
// number of CPUs this process may use, package net sets TCP_NODELAY, and package os raises the
// limit of descriptors.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const readBytes = 4096

// hog makes a connection that begins with this byte spin before its first reply.
type hog struct {
	enabled bool
	first   byte
	time    time.Duration
}

func (h hog) beforeFirstReply(first byte) {
	if !h.enabled || first != h.first {
		return
	}
	for end := time.Now().Add(h.time); time.Now().Before(end); {
	}
}

func serve(connection net.Conn, hog hog) {
	defer connection.Close()
	buffer := make([]byte, readBytes)
	for first := true; ; first = false {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if first {
			hog.beforeFirstReply(buffer[0])
		}
		if _, err := connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// acceptAll goes on after a connection was refused for want of descriptors, when others have left.
func acceptAll(listener net.Listener, hog hog) error {
	for {
		connection, err := listener.Accept()
		if err == nil {
			go serve(connection, hog)
			continue
		}
		var number syscall.Errno
		if !errors.As(err, &number) {
			return err
		}
		switch number {
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			time.Sleep(10 * time.Millisecond)
		case syscall.ECONNABORTED, syscall.EINTR:
		default:
			return err
		}
	}
}

func exitOnTerminationSignals() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		os.Exit(0)
	}()
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "echo_go: "+format+"\n", arguments...)
	os.Exit(1)
}

// parseByte takes one character, or a byte such as 0x48.
func parseByte(text string) (byte, bool) {
	if len(text) == 1 {
		return text[0], true
	}
	if len(text) == 4 && strings.HasPrefix(text, "0x") {
		value, err := strconv.ParseUint(text[2:], 16, 8)
		return byte(value), err == nil
	}
	return 0, false
}

// parseTime takes a whole number and its unit: 500ms, 3s, 2min, 1h.
func parseTime(text string) (time.Duration, bool) {
	units := []struct {
		name string
		unit time.Duration
	}{{"ms", time.Millisecond}, {"min", time.Minute}, {"s", time.Second}, {"h", time.Hour}}
	for _, u := range units {
		if strings.HasSuffix(text, u.name) {
			count, err := strconv.ParseUint(strings.TrimSuffix(text, u.name), 10, 32)
			length := time.Duration(count) * u.unit
			return length, err == nil && length <= 24*time.Hour
		}
	}
	return 0, false
}

func main() {
	flags := flag.NewFlagSet("echo_go", flag.ContinueOnError)
	flags.Usage = func() {}
	flags.SetOutput(new(strings.Builder)) // errors are printed below, in one line
	host := flags.String("host", "127.0.0.1", "address to listen on")
	port := flags.Uint("port", 0, "port to listen on, 0 for any that is free")
	threads := flags.Uint("threads", 0, "CPUs used at once, 0 for all that are allowed")
	hogByte := flags.String("hog-byte", "", "a connection whose first byte is this one spins")
	hogFor := flags.String("hog-for", "5s", "how long it spins")
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(os.Stdout)
			flags.PrintDefaults()
			os.Exit(0)
		}
		fail("%v (see --help)", err)
	}
	if flags.NArg() > 0 {
		fail("unexpected argument '%s' (see --help)", flags.Arg(0))
	}
	if *port > 65535 {
		fail("--port %d: not a port; use 0 to 65535", *port)
	}
	if net.ParseIP(*host) == nil {
		fail("--host %s: not an IPv4 or IPv6 address; use one such as 127.0.0.1 or ::1", *host)
	}
	if *threads > 1024 {
		fail("--threads %d: at most 1024", *threads)
	}
	var hog hog
	if *hogByte != "" {
		hog.enabled = true
		var ok bool
		if hog.first, ok = parseByte(*hogByte); !ok {
			fail("--hog-byte %s: use one character, or a byte such as 0x48", *hogByte)
		}
	}
	var ok bool
	if hog.time, ok = parseTime(*hogFor); !ok {
		fail("--hog-for %s: use a time with its unit, such as 500ms, 3s or 2min, at most 24h", *hogFor)
	}

	if *threads > 0 {
		runtime.GOMAXPROCS(int(*threads))
	}
	exitOnTerminationSignals()
	listener, err := net.Listen("tcp", net.JoinHostPort(*host, strconv.Itoa(int(*port))))
	if err != nil {
		fail("cannot listen: %v; choose another --port or --host", err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	fail("accept: %v", acceptAll(listener, hog))
}
