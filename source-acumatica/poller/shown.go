package poller

import (
	"context"
	"time"

	"millrace/internal/link"
)

// What was told of a document is not always what Stripe shows: the document is
// read after its event was stored, and may have changed meanwhile. When it then
// changes back before it is polled, it equals what was told, and Stripe shows
// the state in between. The link has the change time of what Stripe shows: where
// that is later than what was told, a row says nothing old.

// shown is the change time of what Stripe shows; zero when nobody knows.
func shown(l link.Link) time.Time {
	at, err := time.Parse(time.RFC3339Nano, l.Attributes[link.AttrChanged])
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// equals reports that a row is as it was told last, but for its change time.
func (s *statement) equals(r row) bool { return s.Telling == nil && s.Said.Digest == r.digest }

// passed reports that Stripe may show a later state than was told last. So it may
// where the row is older than that: the server's clock was set back. A row that
// was told over just what Stripe shows is not told again: after the clock was set
// back that stays the later one.
func (s *statement) passed(l link.Link, r row) bool {
	toldOver := s.Said.Changed.Equal(r.changed) && s.Said.Shown.Equal(shown(l))
	return r.changed.Before(s.Said.Changed) || shown(l).After(s.Said.Changed) && !toldOver
}

// shows reports that Stripe shows what was told last, as far as anybody knows.
func (s *statement) shows(l link.Link) bool {
	at := shown(l)
	return at.IsZero() || at.Equal(s.Said.Changed)
}

// asTold reports that a row of a full reading is no news.
func (p *Poller) asTold(ctx context.Context, e *entity, s *statement, r row) (bool, error) {
	if !s.equals(r) {
		return false, nil
	}
	l, linked, err := p.link(ctx, e, r.key)
	return !linked || !s.passed(l, r), err
}
