package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// stream publishes with one acknowledgement a message and so many of them outstanding.
func (s *side) stream(t task) (answer, error) {
	js, err := jetstream.New(s.nc, jetstream.WithPublishAsyncMaxPending(t.Outstanding))
	if err != nil {
		return answer{}, err
	}
	defer js.CleanupPublisher()
	payloads := pool(t.Outstanding*2, t.Bytes)
	futures := make([]jetstream.PubAckFuture, t.Messages)
	at := startClock()
	for i := range futures {
		payload := payloads[i%len(payloads)]
		binary.BigEndian.PutUint32(payload, s.published)
		s.published++
		if futures[i], err = js.PublishAsync(t.Subject, payload, jetstream.WithStallWait(10*time.Second)); err != nil {
			return answer{}, err
		}
	}
	<-js.PublishAsyncComplete()
	result := at.stop(t.Messages)
	for i, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return answer{}, fmt.Errorf("message %d: %w", i, err)
		}
	}
	return result, nil
}

// ingest publishes with cumulative acknowledgements, one for each 1000 messages and 8 of them outstanding.
func (s *side) ingest(t task) (answer, error) {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return answer{}, err
	}
	at := startClock()
	publisher, err := jetstreamext.NewFastPublisher(js, jetstreamext.FastPublishFlowControl{Flow: 1000, MaxOutstandingAcks: 8})
	if err != nil {
		return answer{}, err
	}
	payloads := pool(8000, t.Bytes)
	for i := range t.Messages - 1 {
		payload := payloads[i%len(payloads)]
		binary.BigEndian.PutUint32(payload, s.published)
		s.published++
		if _, err := publisher.Add(t.Subject, payload); err != nil {
			return answer{}, err
		}
	}
	last := payloads[(t.Messages-1)%len(payloads)]
	binary.BigEndian.PutUint32(last, s.published)
	s.published++
	ack, err := publisher.Commit(context.Background(), t.Subject, last)
	if err != nil {
		return answer{}, err
	}
	result := at.stop(t.Messages)
	if int(ack.BatchSize) != t.Messages {
		return answer{}, fmt.Errorf("%d of %d are in the batch", ack.BatchSize, t.Messages)
	}
	return result, nil
}
