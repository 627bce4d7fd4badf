package main

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// receive reads what the source sends behind "bench.start": payloads that carry their number, counted from 0 again after each `batch`.
func (s *side) receive(t task) (answer, error) {
	done := make(chan error, 1)
	next := 0
	sub, err := s.nc.Subscribe("bench.receive", func(msg *nats.Msg) {
		if int(binary.BigEndian.Uint32(msg.Data)) != next%t.Batch || len(msg.Data) != t.Bytes {
			select {
			case done <- fmt.Errorf("message %d is not the one that was sent", next):
			default:
			}
		}
		next++
		if next == t.Messages {
			done <- nil
		}
	})
	if err != nil {
		return answer{}, err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return answer{}, err
	}
	if err := s.nc.Flush(); err != nil {
		return answer{}, err
	}
	at := startClock()
	if err := s.nc.Publish("bench.start", fmt.Appendf(nil, "%d %d %d", t.Messages, t.Bytes, t.Batch)); err != nil {
		return answer{}, err
	}
	select {
	case err = <-done:
	case <-time.After(time.Minute):
		err = fmt.Errorf("%d of %d came", next, t.Messages)
	}
	result := at.stop(t.Messages)
	if err != nil {
		return answer{}, err
	}
	return result, sub.Unsubscribe()
}

func (s *side) respond(t task) (answer, error) {
	_, err := s.nc.Subscribe(t.Subject, func(msg *nats.Msg) { check(msg.Respond(msg.Data)) })
	if err != nil {
		return answer{}, err
	}
	return answer{}, s.nc.Flush()
}

func (s *side) request(t task) (answer, error) {
	numbers := make(chan uint32, t.Outstanding)
	failed := make(chan error, t.Outstanding)
	times := make([][]float64, t.Outstanding)
	var all sync.WaitGroup
	at := startClock()
	for worker := range t.Outstanding {
		all.Go(func() {
			payload := make([]byte, t.Bytes)
			for number := range numbers {
				binary.BigEndian.PutUint32(payload, number)
				start := time.Now()
				reply, err := s.nc.Request(t.Subject, payload, 10*time.Second)
				if err == nil && binary.BigEndian.Uint32(reply.Data) != number {
					err = fmt.Errorf("asked %d, got another answer", number)
				}
				if err != nil {
					failed <- err
					return
				}
				if t.Outstanding == 1 {
					times[worker] = append(times[worker], float64(time.Since(start).Nanoseconds())/1e3)
				}
			}
		})
	}
	for i := range t.Messages {
		select {
		case numbers <- uint32(i):
		case err := <-failed:
			return answer{}, err
		}
	}
	close(numbers)
	all.Wait()
	result := at.stop(t.Messages)
	select {
	case err := <-failed:
		return answer{}, err
	default:
	}
	if t.Outstanding == 1 {
		return withTimes(result, times[0]), nil
	}
	return result, nil
}
