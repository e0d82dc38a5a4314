package simulate

import (
	"context"
	"slices"
	"time"

	"millrace/schemas"
)

const (
	checkEvery = 100 * time.Millisecond
	// lookClosely is how often the whole is looked at, also what costs more.
	lookClosely = 20
	// quiet is how long the books must stay as they should be: longer than a
	// round of polling, so that echoes of our own writes are in.
	quiet = 400 * time.Millisecond
	// surface is how long after the last fault a request may still wait in
	// Acumatica's queue: what comes of it must be gone again in the end.
	surface = 3 * time.Second
	// slowest is after how many times patience it is over even though things
	// move: a machine may be busy with something else.
	slowest = 5
)

// finish waits until everything is as it should be, and stays so for a while,
// or until nothing has moved for as long as patience lasts; it returns what is
// still wrong then. What no waiting can mend is returned at once.
func (p *player) finish(ctx context.Context, patience time.Duration) (verdict, error) {
	var since time.Time
	var before verdict
	calm, moved := time.Now(), time.Now()
	for n := 1; ; n++ {
		over := time.Since(moved) > patience || time.Since(calm) > slowest*patience
		closely := over || n%lookClosely == 0
		v, err := p.look(ctx, closely)
		if err != nil {
			v.say(unfinished, "%v", err)
		}
		if !closely && !slices.Equal(v, before) {
			before, moved = v, time.Now()
		}
		switch now := time.Now(); {
		case ctx.Err() != nil:
			return v, ctx.Err()
		case v.final():
			return v, nil
		case len(v) > 0:
			since = time.Time{}
			if over {
				return v.settled(), nil
			}
		case since.IsZero():
			since = now
		case now.Sub(since) > quiet && now.Sub(calm) > surface:
			return nil, nil
		}
		wait(ctx, checkEvery)
	}
}

// look judges the present state, closely when told so or when nothing seems
// wrong. The operator opens what is parked because of a closed period, which is
// open again.
func (p *player) look(ctx context.Context, closely bool) (verdict, error) {
	b, err := p.w.books(ctx)
	if err != nil {
		return nil, err
	}
	p.found(b)
	v := p.judge(b)
	if err := p.operate(ctx, &v); err != nil || len(v) > 0 && !closely {
		return v, err
	}
	if err := p.idle(ctx, &v); err != nil || len(v) > 0 && !closely {
		return v, err
	}
	if err := p.w.judgeBalance(ctx, &v, b); err != nil {
		return v, err
	}
	return v, p.w.judgeOrder(ctx, &v, b)
}

func (p *player) operate(ctx context.Context, v *verdict) error {
	blocks, err := p.w.watch.Blocks(ctx, "")
	if err != nil {
		return err
	}
	for _, rec := range blocks {
		if !rec.Parked {
			continue
		}
		if rec.Code != "acumatica.period_closed" {
			v.say(unfinished, "lane %s is parked at %s: %s: %s", rec.Lane, rec.Stage, rec.Code, rec.Error)
			continue
		}
		if err := p.w.watch.Release(ctx, rec.Stage, rec.Conn, rec.Lane, schemas.Decision{Reason: "the period is open", By: "operator", At: time.Now().UTC()}); err != nil {
			return err
		}
	}
	return nil
}

// idle: nothing is on its way any more.
func (p *player) idle(ctx context.Context, v *verdict) error {
	lags, err := p.w.watch.Lag(ctx, []string{connection})
	if err != nil {
		return err
	}
	for _, l := range lags {
		if l.Pending > 0 || l.AckPending > 0 || l.BlockedLanes > 0 || l.ParkedLanes > 0 {
			v.say(unfinished, "%s: %d waiting, %d in hand, %d lanes blocked, %d parked", l.Stage, l.Pending, l.AckPending, l.BlockedLanes, l.ParkedLanes)
		}
	}
	events, err := list[stripeEvent](ctx, p.w, "/v1/events", "delivery_success", "false")
	if err != nil {
		return err
	}
	if len(events) > 0 {
		v.say(unfinished, "%d webhooks are not delivered", len(events))
	}
	return nil
}
