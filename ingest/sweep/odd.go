package sweep

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// oddMovement is the code of a movement that nothing can be done about by
// trying again.
const oddMovement = "ingest.movement_odd"

// maxID bounds what becomes a lane. Stripe: ids are at most 255 characters.
const maxID = 255

// Stage is the name of the sweep in the audit trail.
const Stage = "sweep"

// odd says what is wrong with a movement. Its content is part of the text, so
// that the audit trail has a line more when it changes, and only then.
func odd(m stripeapi.Movement, format string, args ...any) error {
	return fault.Newf(oddMovement, "balance transaction %s, content %s: %w", m.ID, content(m), fmt.Errorf(format, args...))
}

func content(m stripeapi.Movement) string { return fmt.Sprintf("%.8x", sha256.Sum256(m.Source)) }

// refused is odd for an error that is about this movement alone. What concerns
// all of them, or passes, stays as it is.
func refused(m stripeapi.Movement, err error) error {
	if err == nil {
		return nil
	}
	switch fault.KindOf(err) {
	case fault.Rejected, fault.Invalid:
		return odd(m, "%w", err)
	case fault.Transient, fault.Throttled, fault.Down, fault.Misconfigured:
	}
	return err
}

// tellOdd puts a movement that cannot be checked into the audit trail. It is
// stored once, as long as it stays as it is.
func (s *Sweeper) tellOdd(ctx context.Context, m stripeapi.Movement, cause error) error {
	f, id := fault.Of(cause), m.ID
	if id == "" || len(id) > maxID {
		id = content(m)
	}
	return s.o.Outcome(ctx, schemas.Outcome{
		Connection: s.o.Connection, Lane: id, Stage: Stage, Document: "balance_transaction",
		Outcome: schemas.Skipped, Reason: "the movement cannot be compared with the ledger", Code: f.Code, Hint: f.Hint, Error: cause.Error(),
		EventID: "sweep-" + id, Refs: []schemas.Ref{{System: schemas.Stripe, Kind: "balance_transaction", ID: id}},
		Stream: bus.Events, At: time.Now().UTC(),
	})
}
