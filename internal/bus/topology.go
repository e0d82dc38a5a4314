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
	provisionDeadline = 60 * time.Second
	maxPartitions     = 1024
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
	bucketBudgets  = "budgets"
	bucketSigned   = "statements"
	bucketTold     = "told"
)

func buckets() []string {
	return []string{
		bucketLinks, bucketPostings, bucketBlocks, bucketLeases, bucketCursors, bucketDoubts, bucketKept, bucketBudgets, bucketSigned,
		bucketTold,
	}
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

// StageNames are the stages that there are.
func StageNames() []string {
	names := make([]string, 0, len(stageSpecs()))
	for _, s := range stageSpecs() {
		names = append(names, s.name)
	}
	return names
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

// consumerName carries the epoch from the first change of the number of
// partitions on: no consumer is ever turned into one of another number.
func consumerName(stage, connection string, epoch, partition int) string {
	name := stage + "_" + Escape(connection) + "_"
	if epoch > 0 {
		name += "e" + strconv.Itoa(epoch) + "_"
	}
	return name + strconv.Itoa(partition)
}

// consumerConfig: one message in flight per partition keeps the order across
// crashes and scaling; the broker never gives up and never backs off, because
// its redelivery is not our retry.
func consumerConfig(s stageSpec, connection string, partition int, l *layout) jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Durable: consumerName(s.name, connection, l.epoch, partition), FilterSubject: filter(s.stream, connection, strconv.Itoa(partition), "*", s.target),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 1, MaxDeliver: -1,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if first := l.first[s.stream]; first > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, first
	}
	return cfg
}

// filter is the subject of everything in a partition, or in one lane. A lane
// is looked up in any partition: it may have been in another one before the
// number was changed.
func filter(stream, connection, partitionToken, laneToken, target string) string {
	f := "mr." + prefixes[stream] + "." + Escape(connection) + "." + partitionToken + "." + laneToken
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
	if n < 1 || n > maxPartitions {
		return fault.Newf("bus.partitions_mismatch", "partitions %d: must be 1 to %d", n, maxPartitions)
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
	want := consumerConfig(stageSpec{s.Name, s.Stream, s.Target}, connection, partition, b.layout.Load())
	c, err := b.js.Consumer(ctx, s.Stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fault.Newf("bus.not_provisioned", "consumer %s is missing", want.Durable)
	}
	if err != nil {
		return nil, unavailable(err, "consumer %s", want.Durable)
	}
	got := c.CachedInfo().Config
	if got.MaxAckPending != want.MaxAckPending || got.AckPolicy != want.AckPolicy || got.MaxDeliver != want.MaxDeliver ||
		len(got.BackOff) != 0 || got.FilterSubject != want.FilterSubject || got.DeliverPolicy != want.DeliverPolicy || got.OptStartSeq != want.OptStartSeq {
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
	l := b.layout.Load()
	for p := range l.partitions {
		cfg := consumerConfig(s, connection, p, l)
		_, err := b.js.Consumer(ctx, s.stream, cfg.Durable)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			if err := b.nothingBefore(ctx, s, connection, l.first[s.stream]); err != nil {
				return err
			}
			_, err = b.js.CreateConsumer(ctx, s.stream, cfg)
		}
		if err != nil {
			return unavailable(err, "provision consumer %s", cfg.Durable)
		}
	}
	return nil
}

// nothingBefore refuses to make a consumer that would jump over messages: its
// connection had some before the number of partitions was changed, and nobody
// knows whether they were consumed (Invariant 3).
func (b *Bus) nothingBefore(ctx context.Context, s stageSpec, connection string, first uint64) error {
	if first <= 1 {
		return nil
	}
	stream, err := b.stream(ctx, s.stream)
	if err != nil {
		return unavailable(err, "read stream %s", s.stream)
	}
	raw, err := stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(filter(s.stream, connection, "*", "*", s.target)))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && raw.Sequence >= first {
		return nil
	}
	if err != nil {
		return unavailable(err, "read stream %s", s.stream)
	}
	return fault.Newf("bus.not_provisioned", "consumers of %s/%s are missing, and %s has messages of it from before sequence %d", connection, s.name, s.stream, first)
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
		"takes no message as long as ours":                  got.MaxMsgSize > 0,
		"does not spread lanes over its partitions":         !spreads(got),
	} {
		if differs {
			return fault.Newf("bus.not_provisioned", "stream %s: %s", want.Name, what)
		}
	}
	return nil
}

// spreads reports whether the broker computes the partitions of a stream whose
// number was changed, and of no other.
func spreads(cfg jetstream.StreamConfig) bool {
	if cfg.Metadata[metaEpoch] == "" {
		return cfg.SubjectTransform == nil
	}
	p, err := partitioningOf(cfg)
	return err == nil && cfg.SubjectTransform != nil && *cfg.SubjectTransform == *spread(cfg.Name, p.partitions)
}
