package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
)

const (
	maxAge = 180 * 24 * time.Hour
	// dedupeWindow covers Stripe's retries. Stripe: live webhooks are retried
	// for up to three days. One id costs the broker about 150 bytes.
	dedupeWindow = 73 * time.Hour
	// ackWait is how long the broker waits for a sign of life before it hands
	// a message to another replica. Safety does not depend on it.
	ackWait           = 500 * time.Millisecond
	heartbeat         = ackWait / 3
	metaPartitions    = "millrace_partitions"
	provisionDeadline = 60 * time.Second
)

// Buckets of small state.
const (
	bucketLinks    = "links"
	bucketPostings = "postings"
	bucketBlocks   = "blocks"
	bucketLeases   = "leases"
	bucketCursors  = "cursors"
	bucketDoubts   = "doubts"
	bucketKept     = "kept"
)

func buckets() []string {
	return []string{bucketLinks, bucketPostings, bucketBlocks, bucketLeases, bucketCursors, bucketDoubts, bucketKept}
}

func bucketName(name string) string { return "mr_" + name }

// stageSpec says what the stages consume; consumers are made from it.
type stageSpec struct{ name, stream, target string }

func stageSpecs() []stageSpec {
	return []stageSpec{
		{"transform", Events, ""},
		{"sink-stripe", Intents, "stripe"},
		{"sink-acumatica", Intents, "acumatica"},
	}
}

// streamConfig: Limits retention, because work-queue streams forget message
// ids when the server restarts; no direct reads, because the lane protocol
// needs answers of the leader; nothing can be deleted or purged.
func streamConfig(name string, partitions int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{"mr." + prefixes[name] + ".>"},
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardOld,
		MaxAge: maxAge, Duplicates: dedupeWindow,
		AllowDirect: false, DenyDelete: true, DenyPurge: true,
		Metadata: map[string]string{metaPartitions: strconv.Itoa(partitions)},
	}
}

// bucketConfig is a key-value bucket made as a stream, because a bucket made
// through the key-value API would allow direct, possibly stale, reads.
func bucketConfig(name string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "KV_" + bucketName(name), Subjects: []string{"$KV." + bucketName(name) + ".>"},
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxMsgsPerSubject: 1, AllowRollup: true, AllowDirect: false, DenyDelete: true,
	}
}

func consumerName(stage, connection string, partition int) string {
	return stage + "_" + Escape(connection) + "_" + strconv.Itoa(partition)
}

// consumerConfig: one message in flight per partition keeps the order across
// crashes and scaling; the broker never gives up and never backs off, because
// its redelivery is not our retry.
func consumerConfig(s stageSpec, connection string, partition int) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: consumerName(s.name, connection, partition), FilterSubject: filter(s.stream, connection, partition, "*", s.target),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 1, MaxDeliver: -1,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	}
}

// filter is the subject of everything in a partition, or in one lane of it.
func filter(stream, connection string, partition int, laneToken, target string) string {
	f := "mr." + prefixes[stream] + "." + Escape(connection) + "." + strconv.Itoa(partition) + "." + laneToken
	if target != "" {
		return f + "." + Escape(target) + ".>"
	}
	return f + ".>"
}

// Provision makes the streams, buckets and consumers for these connections.
// Doing it again changes nothing. bus.partitions_mismatch when the streams
// stand with another number of partitions than asked for.
func (b *Bus) Provision(ctx context.Context, connections []string) error {
	ctx, cancel := context.WithTimeout(ctx, provisionDeadline)
	defer cancel()
	n := b.Partitions()
	if n < 1 || n > 1024 {
		return fault.Newf("bus.partitions_mismatch", "partitions %d: must be 1 to 1024", n)
	}
	for _, name := range []string{Events, Intents, Outcomes} {
		if err := b.ensureStream(ctx, streamConfig(name, n)); err != nil {
			return err
		}
	}
	for _, name := range buckets() {
		if err := b.ensureStream(ctx, bucketConfig(name)); err != nil {
			return err
		}
	}
	if err := b.Verify(ctx); err != nil { // also what stood before
		return err
	}
	for _, conn := range connections {
		for _, s := range stageSpecs() {
			if err := b.ensureConsumers(ctx, s, conn); err != nil {
				return err
			}
		}
	}
	return nil
}

// consumer returns the durable of a partition, refusing one whose settings
// would break the order: more than one message in flight, or a broker that
// gives up or backs off.
func (b *Bus) consumer(ctx context.Context, s Stage, connection string, partition int) (jetstream.Consumer, error) {
	want := consumerConfig(stageSpec{s.Name, s.Stream, s.Target}, connection, partition)
	c, err := b.js.Consumer(ctx, s.Stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fault.Newf("bus.not_provisioned", "consumer %s is missing", want.Durable)
	}
	if err != nil {
		return nil, unavailable(err, "consumer %s", want.Durable)
	}
	got := c.CachedInfo().Config
	if got.MaxAckPending != want.MaxAckPending || got.AckPolicy != want.AckPolicy || got.MaxDeliver != want.MaxDeliver ||
		len(got.BackOff) != 0 || got.FilterSubject != want.FilterSubject || got.DeliverPolicy != want.DeliverPolicy {
		return nil, fault.Newf("bus.not_provisioned", "consumer %s has other settings than it must have", want.Durable)
	}
	return c, nil
}

func (b *Bus) ensureStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	_, err := b.js.Stream(ctx, cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, cfg)
	}
	return unavailable(err, "provision %s", cfg.Name)
}

func (b *Bus) ensureConsumers(ctx context.Context, s stageSpec, connection string) error {
	for p := range b.Partitions() {
		cfg := consumerConfig(s, connection, p)
		_, err := b.js.Consumer(ctx, s.stream, cfg.Durable)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			_, err = b.js.CreateConsumer(ctx, s.stream, cfg)
		}
		if err != nil {
			return unavailable(err, "provision consumer %s", cfg.Durable)
		}
	}
	return nil
}

// loadPartitions reads the number of partitions the streams were made with.
// Partitions decide which consumer sees a lane: a process with another number
// would break the order, so it refuses to start.
func (b *Bus) loadPartitions(ctx context.Context) error {
	s, err := b.js.Stream(ctx, Events)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		n := b.want
		if n == 0 {
			n = DefaultPartitions
		}
		b.partitions.Store(int64(n))
		return nil
	}
	if err != nil {
		return unavailable(err, "read stream %s", Events)
	}
	n, err := strconv.Atoi(s.CachedInfo().Config.Metadata[metaPartitions])
	if err != nil {
		return fault.Newf("bus.not_provisioned", "stream %s: metadata %s: %w", Events, metaPartitions, err)
	}
	if b.want != 0 && b.want != n {
		return fault.Newf("bus.partitions_mismatch", "configured %d, streams have %d", b.want, n)
	}
	b.partitions.Store(int64(n))
	return nil
}

// Verify says whether the broker is connected and every asset is there as it
// must be; it changes nothing.
func (b *Bus) Verify(ctx context.Context) error {
	for _, name := range []string{Events, Intents, Outcomes} {
		if err := b.verifyStream(ctx, streamConfig(name, b.Partitions())); err != nil {
			return err
		}
	}
	for _, name := range buckets() {
		if err := b.verifyStream(ctx, bucketConfig(name)); err != nil {
			return err
		}
	}
	return b.loadPartitions(ctx)
}

func (b *Bus) verifyStream(ctx context.Context, want jetstream.StreamConfig) error {
	s, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fault.Newf("bus.not_provisioned", "stream %s is missing", want.Name)
	}
	if err != nil {
		return unavailable(err, "read stream %s", want.Name)
	}
	got := s.CachedInfo().Config
	for what, differs := range map[string]bool{
		"retention is not limits":                           got.Retention != jetstream.LimitsPolicy,
		"storage is not file":                               got.Storage != jetstream.FileStorage,
		"direct reads are allowed":                          got.AllowDirect,
		"messages can be deleted":                           !got.DenyDelete,
		fmt.Sprintf("subjects %v", got.Subjects):            len(got.Subjects) != 1 || got.Subjects[0] != want.Subjects[0],
		fmt.Sprintf("window %v", got.Duplicates):            want.Duplicates != 0 && got.Duplicates < want.Duplicates,
		fmt.Sprintf("max age %v", got.MaxAge):               got.MaxAge != 0 && got.MaxAge < want.Duplicates,
		"keeps more than the last value of a key":           want.MaxMsgsPerSubject == 1 && got.MaxMsgsPerSubject != 1,
		fmt.Sprintf("holds at most %d", got.MaxMsgs):        got.MaxMsgs > 0,
		fmt.Sprintf("holds at most %d bytes", got.MaxBytes): got.MaxBytes > 0,
		"drops all but the last of a subject":               want.MaxMsgsPerSubject == 0 && got.MaxMsgsPerSubject > 0,
	} {
		if differs {
			return fault.Newf("bus.not_provisioned", "stream %s: %s", want.Name, what)
		}
	}
	return nil
}
