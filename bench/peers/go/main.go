// The nats.go peer of the benchmarks: does what one line of JSON on standard input says, and answers with one line on standard output.
// The tasks and the answers are those of bench/shared/tasks.ts. Argument: the set-up as JSON.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
)

type setup struct {
	URL  string `json:"url"`
	CA   string `json:"ca"`
	Down bool   `json:"down"`
}

type task struct {
	Kind        string `json:"kind"`
	Messages    int    `json:"messages"`
	Bytes       int    `json:"bytes"`
	Batch       int    `json:"batch"`
	Pool        int    `json:"pool"`
	WarmUp      int    `json:"warmUp"`
	Mode        string `json:"mode"`
	How         string `json:"how"`
	Outstanding int    `json:"outstanding"`
	Subject     string `json:"subject"`
}

type answer struct {
	Ms       float64 `json:"ms"`
	CPUNs    float64 `json:"cpuNs"`
	P50Us    float64 `json:"p50Us,omitempty"`
	P99Us    float64 `json:"p99Us,omitempty"`
	RssBytes int64   `json:"rssBytes,omitempty"`
}

type side struct {
	setup     setup
	nc        *nats.Conn
	published uint32
	dialled   atomic.Pointer[clock]
}

func main() {
	s := &side{}
	check(json.Unmarshal([]byte(os.Args[1]), &s.setup))
	if !s.setup.Down {
		nc, err := nats.Connect(s.setup.URL, s.options()...)
		check(err)
		s.nc = nc
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var t task
		check(json.Unmarshal(lines.Bytes(), &t))
		result, err := s.do(t)
		check(err)
		line, err := json.Marshal(result)
		check(err)
		fmt.Println(string(line))
	}
	if s.nc != nil {
		s.nc.Close()
	}
}

func (s *side) options() []nats.Option {
	options := []nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ReconnectBufSize(1 << 30), nats.RetryOnFailedConnect(s.setup.Down), nats.SetCustomDialer(s),
	}
	if s.setup.CA != "" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(s.setup.CA))
		options = append(options, nats.Secure(&tls.Config{RootCAs: pool, ServerName: "localhost"}))
	}
	return options
}

// Dial takes down when a connection was made: from then on a backlog is sent, and nothing else of the client tells so in time.
func (s *side) Dial(network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).Dial(network, address)
	if err == nil {
		dialled := startClock()
		s.dialled.Store(&dialled)
	}
	return conn, err
}

func (s *side) do(t task) (answer, error) {
	switch t.Kind {
	case "publish":
		return s.publish(t)
	case "roundTrip":
		return s.roundTrip(t)
	case "append":
		return s.append(t)
	case "hold":
		return s.hold(t)
	case "drain":
		return s.drain(t)
	case "receive":
		return s.receive(t)
	case "respond":
		return s.respond(t)
	case "request":
		return s.request(t)
	case "stream":
		return s.stream(t)
	case "ingest":
		return s.ingest(t)
	}
	return answer{}, errors.New("no such task: " + t.Kind)
}

// clock measures wall and CPU time from its making on.
type clock struct {
	start time.Time
	cpu   time.Duration
}

func startClock() clock { return clock{time.Now(), cpuTime()} }

func (c clock) stop(messages int) answer {
	ms := float64(time.Since(c.start).Nanoseconds()) / 1e6
	return answer{Ms: ms, CPUNs: float64((cpuTime() - c.cpu).Nanoseconds()) / float64(messages)}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
