package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
)

// Changing the number of partitions moves lanes from one consumer to another.
// The order holds because there is a point in each stream below which only the
// old consumers have worked, and they are done, and from which on only the new
// ones work. That point is certain because the streams take no message while
// it is chosen:
//
//  1. EVENTS, then INTENTS, are closed and marked as changing: nothing is
//     stored, no process starts;
//  2. unless everything was consumed, nothing is held and nobody consumes, they
//     are opened again as they were, and the change is refused;
//  3. the point, one behind the end, is written down in both: from here on
//     there is no way back, and running it again goes on;
//  4. the new consumers are made, which begin at the point; the old ones go;
//  5. INTENTS, OUTCOMES and at last EVENTS are opened with the new number.
//
// Killed between any two steps it is run again. A process that slept through
// it finds its consumers gone, and what it still publishes is put into the
// right partition by the broker.

// Repartition changes the number of partitions. Every process must have been
// stopped; those that only publish are refused meanwhile and go on
// afterwards. bus.partitions_busy, and nothing has changed, when there is
// unfinished work or a stage runs. connections are those that must be there;
// others that the broker knows are moved as well.
func (b *Bus) Repartition(ctx context.Context, connections []string, partitions int) error {
	return b.repartition(ctx, connections, partitions, func(string) error { return nil })
}

// A mover is one change of the number of partitions. at is called before each
// step; its error ends the work there, as a kill would.
type mover struct {
	bus    *Bus
	target int
	conns  []string
	at     func(step string) error
}

func (b *Bus) repartition(ctx context.Context, connections []string, partitions int, at func(string) error) error {
	if partitions < 1 || partitions > maxPartitions {
		return fault.Newf("bus.partitions_mismatch", "partitions %d: must be 1 to %d", partitions, maxPartitions)
	}
	ctx, cancel := context.WithTimeout(ctx, provisionDeadline)
	defer cancel()
	m := &mover{bus: b, target: partitions, conns: slices.Clone(connections), at: at}
	p, _, err := m.read(ctx, Events)
	switch {
	case err != nil:
		return err
	case p.changing == 0 && p.partitions == partitions:
		return nil
	case p.changing != 0 && p.changing != partitions && p.changeFrom != 0:
		return fault.Newf("bus.partitions_changing", "a change from %d to %d was begun: finish that one first", p.partitions, p.changing)
	}
	if err := m.findConnections(ctx); err != nil {
		return err
	}
	if p.changeFrom == 0 {
		if err := m.decide(ctx); err != nil {
			return err
		}
	}
	if err := m.moveConsumers(ctx, p.epoch); err != nil {
		return err
	}
	for _, name := range []string{Intents, Outcomes, Events} {
		if err := m.open(ctx, name, p.epoch); err != nil {
			return err
		}
	}
	l, err := b.readLayout(ctx)
	if err == nil {
		b.layout.Store(l)
	}
	return err
}

// read returns what a stream says now, with its state.
func (m *mover) read(ctx context.Context, name string) (partitioning, *jetstream.StreamInfo, error) {
	s, err := m.bus.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return partitioning{}, nil, fault.Newf("bus.not_provisioned", "stream %s is missing", name)
	}
	if err != nil {
		return partitioning{}, nil, unavailable(err, "read stream %s", name)
	}
	info := s.CachedInfo()
	p, err := partitioningOf(info.Config)
	return p, info, err
}

// change writes another partitioning into a stream.
func (m *mover) change(ctx context.Context, name, step string, to func(partitioning, jetstream.StreamState) partitioning) error {
	if err := m.at(step + " " + name); err != nil {
		return err
	}
	p, info, err := m.read(ctx, name)
	if err != nil {
		return err
	}
	cfg := info.Config
	to(p, info.State).describe(&cfg)
	_, err = m.bus.js.UpdateStream(ctx, cfg)
	return unavailable(err, "change stream %s", name)
}

// decide closes the streams and, when nothing speaks against it, writes down
// from where the new number holds.
func (m *mover) decide(ctx context.Context) error {
	for _, name := range partitioned() {
		err := m.change(ctx, name, "close", func(p partitioning, _ jetstream.StreamState) partitioning {
			p.changing, p.changeFrom = m.target, 0
			return p
		})
		if err != nil {
			return err
		}
	}
	if err := m.idle(ctx); err != nil {
		var errs []error
		for _, name := range slices.Backward(partitioned()) {
			errs = append(errs, m.change(ctx, name, "give up", func(p partitioning, _ jetstream.StreamState) partitioning {
				p.changing = 0
				return p
			}))
		}
		return errors.Join(append(errs, err)...)
	}
	for _, name := range slices.Backward(partitioned()) {
		err := m.change(ctx, name, "decide", func(p partitioning, s jetstream.StreamState) partitioning {
			p.changeFrom = s.LastSeq + 1
			return p
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// idle says what speaks against the change. The streams are closed.
func (m *mover) idle(ctx context.Context) error {
	blocks, err := m.bus.Blocks(ctx, "")
	if err != nil {
		return err
	}
	if len(blocks) > 0 {
		rec, decided := blocks[0], ""
		if rec.Verdict != nil && !rec.Parked {
			decided = ", about which is decided (" + rec.Verdict.Do + "): the services carry that out, let them run before"
		}
		return fault.Newf("bus.partitions_busy", "lanes are held: %d, such as %s of %s/%s%s", len(blocks), rec.Lane, rec.Conn, rec.Stage, decided)
	}
	l := m.bus.layout.Load()
	for _, s := range stageSpecs() {
		for _, conn := range m.conns {
			for p := range l.partitions {
				name := consumerName(s.name, conn, l.epoch, p)
				c, err := m.bus.js.Consumer(ctx, s.stream, name)
				if errors.Is(err, jetstream.ErrConsumerNotFound) {
					return fault.Newf("bus.not_provisioned", "consumer %s is missing", name)
				}
				if err != nil {
					return unavailable(err, "consumer %s", name)
				}
				switch info := c.CachedInfo(); {
				case info.NumPending > 0 || info.NumAckPending > 0:
					return fault.Newf("bus.partitions_busy", "%s has %d messages to go", name, info.NumPending+uint64(info.NumAckPending)) //nolint:gosec // a count
				case info.NumWaiting > 0:
					return fault.Newf("bus.partitions_busy", "%s is consumed right now", name)
				}
			}
		}
	}
	return nil
}

// Connections are those that the broker has consumers of.
func (b *Bus) Connections(ctx context.Context) ([]string, error) {
	m := &mover{bus: b}
	err := m.findConnections(ctx)
	return m.conns, err
}

// findConnections adds the connections that the broker has consumers of.
func (m *mover) findConnections(ctx context.Context) error {
	for _, s := range stageSpecs() {
		infos, err := m.durables(ctx, s)
		if err != nil {
			return err
		}
		for _, info := range infos {
			tokens := strings.Split(info.Config.FilterSubject, ".")
			if len(tokens) < 3 {
				return fault.Newf("bus.not_provisioned", "consumer %s filters %q", info.Name, info.Config.FilterSubject)
			}
			conn, err := Unescape(tokens[2])
			if err != nil {
				return fmt.Errorf("consumer %s: %w", info.Name, err)
			}
			if !slices.Contains(m.conns, conn) {
				m.conns = append(m.conns, conn)
			}
		}
	}
	return nil
}

// durables lists the consumers of a stage, of every connection.
func (m *mover) durables(ctx context.Context, s stageSpec) (infos []*jetstream.ConsumerInfo, err error) {
	stream, err := m.bus.stream(ctx, s.stream)
	if err != nil {
		return nil, unavailable(err, "read stream %s", s.stream)
	}
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if strings.HasPrefix(info.Config.Durable, s.name+"_") {
			infos = append(infos, info)
		}
	}
	return infos, unavailable(list.Err(), "list consumers of %s", s.stream)
}

// moveConsumers makes every new consumer before it deletes any old one.
func (m *mover) moveConsumers(ctx context.Context, epoch int) error {
	l := layout{partitions: m.target, epoch: epoch + 1, first: map[string]uint64{}}
	for _, name := range partitioned() {
		p, _, err := m.read(ctx, name)
		if err != nil {
			return err
		}
		l.first[name] = p.changeFrom
		if p.epoch == l.epoch { // opened already
			l.first[name] = p.first
		}
	}
	fresh := map[string]bool{}
	for _, s := range stageSpecs() {
		for _, conn := range m.conns {
			if err := m.at("create " + s.name + " " + conn); err != nil {
				return err
			}
			for p := range l.partitions {
				cfg := consumerConfig(s, conn, p, &l)
				fresh[cfg.Durable] = true
				if _, err := m.bus.js.CreateConsumer(ctx, s.stream, cfg); err != nil {
					return unavailable(err, "create consumer %s", cfg.Durable)
				}
			}
		}
	}
	for _, s := range stageSpecs() {
		if err := m.at("delete " + s.name); err != nil {
			return err
		}
		infos, err := m.durables(ctx, s)
		if err != nil {
			return err
		}
		for _, info := range infos {
			if fresh[info.Name] {
				continue
			}
			if err := m.bus.js.DeleteConsumer(ctx, s.stream, info.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return unavailable(err, "delete consumer %s", info.Name)
			}
		}
	}
	return nil
}

// open puts the new number in force, once.
func (m *mover) open(ctx context.Context, name string, epoch int) error {
	return m.change(ctx, name, "open", func(p partitioning, _ jetstream.StreamState) partitioning {
		if p.epoch > epoch {
			return p
		}
		return partitioning{partitions: m.target, epoch: epoch + 1, first: p.changeFrom}
	})
}
