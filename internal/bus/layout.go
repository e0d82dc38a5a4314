package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
)

// What a stream's metadata says about its partitions.
const (
	metaPartitions = "millrace_partitions"
	metaEpoch      = "millrace_epoch"      // how often the number was changed; absent: never
	metaFirst      = "millrace_first"      // the sequence from which the number holds; absent: all
	metaChanging   = "millrace_changing"   // the number it is being changed to
	metaChangeFrom = "millrace_changefrom" // the sequence from which that will hold; present once nothing speaks against it
)

// closedSize lets no message into a stream: each has headers and is longer.
const closedSize = 1

// A layout says how lanes are spread over partitions, and since when.
type layout struct {
	partitions int
	epoch      int
	first      map[string]uint64 // by stream; 0: from its beginning
}

// A partitioning is what one stream's metadata says.
type partitioning struct {
	partitions, epoch int
	first             uint64
	changing          int    // 0: not being changed
	changeFrom        uint64 // 0: not decided yet
}

func partitioningOf(cfg jetstream.StreamConfig) (p partitioning, err error) {
	number := func(key string, bits int) uint64 {
		text := cfg.Metadata[key]
		if text == "" && key != metaPartitions {
			return 0
		}
		n, nerr := strconv.ParseUint(text, 10, bits)
		if nerr != nil {
			err = errors.Join(err, fault.Newf("bus.not_provisioned", "stream %s: metadata %s: %w", cfg.Name, key, nerr))
		}
		return n
	}
	p = partitioning{
		partitions: int(number(metaPartitions, 31)), epoch: int(number(metaEpoch, 31)), first: number(metaFirst, 64), //nolint:gosec // 31 bits fit
		changing: int(number(metaChanging, 31)), changeFrom: number(metaChangeFrom, 64), //nolint:gosec // 31 bits fit
	}
	return p, err
}

// describe writes what p says into the settings of a stream. In a stream whose
// number was ever changed the broker itself computes the partition of what is
// stored: a process that was started before, and wakes up after, cannot put a
// message where its lane is not (Invariant 4).
func (p partitioning) describe(cfg *jetstream.StreamConfig) {
	cfg.Metadata = maps.Clone(cfg.Metadata)
	for key, n := range map[string]uint64{
		metaPartitions: uint64(p.partitions), metaEpoch: uint64(p.epoch), metaFirst: p.first, //nolint:gosec // not negative
		metaChanging: uint64(p.changing), metaChangeFrom: p.changeFrom, //nolint:gosec // not negative
	} {
		delete(cfg.Metadata, key)
		if n > 0 {
			cfg.Metadata[key] = strconv.FormatUint(n, 10)
		}
	}
	cfg.MaxMsgSize = -1
	if p.changing > 0 {
		cfg.MaxMsgSize = closedSize
	}
	if p.epoch > 0 {
		cfg.SubjectTransform = spread(cfg.Name, p.partitions)
	}
}

// spread makes the broker compute the partition, as Partition does.
func spread(stream string, partitions int) *jetstream.SubjectTransformConfig {
	return &jetstream.SubjectTransformConfig{
		Source: "mr." + prefixes[stream] + ".*.*.*.*.*.*",
		Destination: fmt.Sprintf("mr.%s.{{wildcard(1)}}.{{partition(%d,1,3)}}.{{wildcard(3)}}.{{wildcard(4)}}.{{wildcard(5)}}.{{wildcard(6)}}",
			prefixes[stream], partitions),
	}
}

// partitioned lists the streams that are consumed by partition. EVENTS speaks
// for all: it is closed first and opened last when the number is changed.
func partitioned() []string { return []string{Events, Intents} }

// loadPartitions reads the number of partitions the streams were made with.
// Partitions decide which consumer sees a lane: a process with another number
// would break the order, so it refuses to start, and so does every process
// while the number is being changed.
func (b *Bus) loadPartitions(ctx context.Context) error {
	l, err := b.readLayout(ctx)
	if err != nil {
		return err
	}
	switch {
	case l.partitions == 0 && b.want == 0:
		l.partitions = DefaultPartitions
	case l.partitions == 0:
		l.partitions = b.want
	case b.want != 0 && b.want != l.partitions:
		return fault.Newf("bus.partitions_mismatch", "configured %d, streams have %d", b.want, l.partitions)
	}
	b.layout.Store(l)
	return nil
}

// readLayout reads what is recorded; no partitions when nothing is yet.
func (b *Bus) readLayout(ctx context.Context) (*layout, error) {
	l := &layout{first: map[string]uint64{}}
	for _, name := range partitioned() {
		s, err := b.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // not provisioned, or not to its end
		}
		if err != nil {
			return nil, unavailable(err, "read stream %s", name)
		}
		p, err := partitioningOf(s.CachedInfo().Config)
		if err != nil {
			return nil, err
		}
		switch {
		case p.changing > 0 && !b.repartitions:
			return nil, fault.Newf("bus.partitions_changing", "stream %s: from %d to %d", name, p.partitions, p.changing)
		case l.partitions == 0:
			l.partitions, l.epoch = p.partitions, p.epoch
		case (l.partitions != p.partitions || l.epoch != p.epoch) && !b.repartitions:
			return nil, fault.Newf("bus.partitions_changing", "stream %s has %d partitions, others have %d", name, p.partitions, l.partitions)
		}
		l.first[name] = p.first
	}
	return l, nil
}
