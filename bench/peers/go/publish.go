package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const subject = "bench.publish"

func (s *side) publish(t task) (answer, error) {
	payloads := pool(t.Pool, t.Bytes)
	texts := make([]string, t.Pool)
	for i := range texts {
		texts[i] = fmt.Sprintf("%08x", i) + strings.Repeat(".", max(0, t.Bytes-8))
	}
	header := nats.Header{"X-Id": []string{"0123456789"}, "X-Kind": []string{"bench"}}
	at := startClock()
	for sent := 0; sent < t.Messages; sent++ {
		payload := payloads[sent%t.Pool]
		binary.BigEndian.PutUint32(payload, s.published)
		s.published++
		var err error
		switch t.Mode {
		case "string":
			err = s.nc.Publish(subject, []byte(texts[sent%t.Pool]))
		case "headers":
			err = s.nc.PublishMsg(&nats.Msg{Subject: subject, Header: header, Data: payload})
		case "reply":
			err = s.nc.PublishRequest(subject, "bench.reply", payload)
		default:
			err = s.nc.Publish(subject, payload)
		}
		if err != nil {
			return answer{}, err
		}
	}
	if err := s.nc.FlushTimeout(time.Minute); err != nil {
		return answer{}, err
	}
	return at.stop(t.Messages), nil
}

func (s *side) roundTrip(t task) (answer, error) {
	payload := make([]byte, t.Bytes)
	took := make([]float64, 0, t.Messages)
	at := startClock()
	for range t.Messages {
		start := time.Now()
		if err := s.nc.Publish(subject, payload); err != nil {
			return answer{}, err
		}
		if err := s.nc.Flush(); err != nil {
			return answer{}, err
		}
		took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
	}
	return withTimes(at.stop(t.Messages), took), nil
}

// append publishes while there is no connection, on a connection of its own that never had one.
func (s *side) append(t task) (answer, error) {
	if t.WarmUp > 0 {
		warmUp := t
		warmUp.Messages, warmUp.WarmUp = t.WarmUp, 0
		if result, err := s.append(warmUp); err != nil {
			return result, err
		}
	}
	nc, err := nats.Connect(s.setup.URL, append(s.options(), nats.ReconnectWait(time.Minute))...)
	if err != nil {
		return answer{}, err
	}
	defer nc.Close()
	payloads := pool(t.Batch, t.Bytes)
	before := rss()
	at := startClock()
	for sent := 0; sent < t.Messages; sent++ {
		payload := payloads[sent%t.Batch]
		binary.BigEndian.PutUint32(payload, uint32(sent))
		if err := nc.Publish(subject, payload); err != nil {
			return answer{}, err
		}
	}
	result := at.stop(t.Messages)
	result.RssBytes = rss() - before
	if held, err := nc.Buffered(); err != nil || held < t.Messages*t.Bytes {
		return answer{}, fmt.Errorf("held %d bytes: %v", held, err)
	}
	return result, nil
}

// hold publishes what waits for the server to come back; the server has been away for a while.
func (s *side) hold(t task) (answer, error) {
	for s.nc.Status() != nats.RECONNECTING {
		time.Sleep(time.Millisecond)
	}
	payloads := pool(t.Batch, t.Bytes)
	at := startClock()
	for sent := 0; sent < t.Messages; sent++ {
		payload := payloads[sent%t.Batch]
		binary.BigEndian.PutUint32(payload, s.published)
		s.published++
		if err := s.nc.Publish(subject, payload); err != nil {
			return answer{}, err
		}
	}
	return at.stop(t.Messages), nil
}

// drain measures from the dial to the PONG behind all that was held.
func (s *side) drain(t task) (answer, error) {
	for s.nc.Status() != nats.CONNECTED {
		time.Sleep(time.Millisecond)
	}
	if err := s.nc.FlushTimeout(time.Minute); err != nil {
		return answer{}, err
	}
	return s.dialled.Load().stop(t.Messages), nil
}

func pool(count, bytes int) [][]byte {
	all := make([]byte, count*bytes)
	payloads := make([][]byte, count)
	for i := range payloads {
		payloads[i] = all[i*bytes : (i+1)*bytes]
	}
	return payloads
}

func withTimes(result answer, tookUs []float64) answer {
	slices.Sort(tookUs)
	result.P50Us = tookUs[len(tookUs)/2]
	result.P99Us = tookUs[len(tookUs)*99/100]
	return result
}

func rss() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	check(err)
	var size, resident int64
	_, err = fmt.Sscan(string(text), &size, &resident)
	check(err)
	return resident * int64(os.Getpagesize())
}
