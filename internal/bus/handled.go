package bus

import (
	"context"

	"millrace/internal/fault"
)

// LastSeq is the sequence of the newest message of a stream; 0 when there never
// was one.
func (b *Bus) LastSeq(ctx context.Context, stream string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	s, err := b.stream(ctx, stream)
	if err != nil {
		return 0, unavailable(err, "read stream %s", stream)
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, unavailable(err, "read stream %s", stream)
	}
	return info.State.LastSeq, nil
}

// Handled tells whether a stage has ended, or put aside in a block, every
// message of a connection up to a sequence of its stream. What comes later
// does not matter: it becomes true also under steady traffic.
func (b *Bus) Handled(ctx context.Context, stage, connection string, seq uint64) (bool, error) {
	for _, spec := range stageSpecs() {
		if spec.name != stage {
			continue
		}
		l := b.layout.Load()
		for p := range l.partitions {
			c, err := b.js.Consumer(ctx, spec.stream, consumerName(stage, connection, l.epoch, p))
			if err != nil {
				return false, unavailable(err, "read consumer of %s", stage)
			}
			info := c.CachedInfo()
			next := info.Delivered.Stream + 1 // at the earliest
			if info.NumAckPending > 0 {
				next = info.Delivered.Stream // in hand: there is only one at a time
			}
			if info.NumAckPending+int(min(info.NumPending, 1)) > 0 && next <= seq { //nolint:gosec // 0 or 1
				return false, nil
			}
		}
		return true, nil
	}
	return false, fault.Newf("bus.not_provisioned", "there is no stage %s", stage)
}
