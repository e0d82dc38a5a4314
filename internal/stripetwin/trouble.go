package stripetwin

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// Trouble is how badly webhooks are delivered. The zero value sends each once,
// at once and in a body of known length. Whatever the trouble, an event comes
// at least once to an endpoint that takes it in time.
type Trouble struct {
	Duplicate float64 // share of the webhooks that come twice, beside each other or one after the other
	// DelayMin and DelayMax bound how late webhooks are, on the twin's clock.
	DelayMin, DelayMax time.Duration
	Reorder            float64 // share of the webhooks that wait until a later one was sent
	TwoEvents          float64 // share of the changes that make two events, each with an id of its own
	Seed               uint64  // of all that is left to chance
	Chunked            bool    // bodies without Content-Length
	// Retries is when a webhook that was not taken is sent again, on the twin's
	// clock: RetryQuick, RetryTest or RetryLive.
	Retries string
}

// Schedules of retries. Stripe publishes no exact one: live mode backs off
// exponentially for up to three days, test mode tries three times more within
// a few hours.
const (
	RetryQuick = ""     // from 200 ms to 5 s, as nobody wants to wait for a twin, for three days
	RetryTest  = "test" // after 5 minutes, 1 hour and 3 hours
	RetryLive  = "live" // after 5 and 30 minutes, 2, 5 and 10 hours, then every 12, for three days
)

const (
	firstRetry  = 200 * time.Millisecond
	lastRetry   = 5 * time.Second
	giveUpAfter = 3 * 24 * time.Hour
	leastTries  = 10 // before it is given up: the twin's clock may jump
	holdAtMost  = 500 * time.Millisecond
)

func (tr *Trouble) check() error {
	var errs []error
	for name, p := range map[string]float64{"duplicate": tr.Duplicate, "reorder": tr.Reorder, "two_events": tr.TwoEvents} {
		if !(p >= 0 && p <= 1) {
			errs = append(errs, fmt.Errorf("%s %v: want a share from 0 to 1", name, p))
		}
	}
	if tr.DelayMin < 0 || tr.DelayMax < tr.DelayMin {
		errs = append(errs, fmt.Errorf("delay %v to %v: want the shortest, then the longest", tr.DelayMin, tr.DelayMax))
	}
	switch tr.Retries {
	case RetryQuick, RetryTest, RetryLive:
	default:
		errs = append(errs, fmt.Errorf("retries %q: want test, live, or nothing for quick ones", tr.Retries))
	}
	return errors.Join(errs...)
}

// SetTrouble changes how badly webhooks are delivered, from the next event on;
// the schedule of retries changes at once.
func (t *Twin) SetTrouble(tr Trouble) error {
	if err := tr.check(); err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble = tr
	t.poke()
	return nil
}

// copying is how a webhook comes twice.
type copying int

const (
	once copying = iota
	beside
	after
)

// plan draws the fate of a delivery. It depends on the seed and on how many
// things happened before, not on how fast anybody is.
func (tr *Trouble) plan(d *delivery, now, wall time.Time) {
	dice := rand.New(rand.NewPCG(tr.Seed, uint64(d.Seq))) //nolint:gosec // G404: a repeatable choice is wanted
	twice, how, late, back := dice.Float64(), copying(1+dice.IntN(2)), dice.Float64(), dice.Float64()
	d.planned = true
	if twice < tr.Duplicate {
		d.copying = how
	}
	if tr.DelayMax > 0 {
		delay := tr.DelayMin + time.Duration(late*float64(tr.DelayMax-tr.DelayMin))
		d.next = now.Add(delay)
	}
	if back < tr.Reorder {
		d.heldUntil = wall.Add(holdAtMost)
	}
}

// doubles reports whether the change after the object numbered seq makes two
// events.
func (tr *Trouble) doubles(seq int64) bool {
	return tr.TwoEvents > 0 && rand.New(rand.NewPCG(^tr.Seed, uint64(seq))).Float64() < tr.TwoEvents //nolint:gosec // G404, as above
}

// retry is how long after its last attempt a delivery is tried again; false
// gives it up. age is since the event.
func (tr *Trouble) retry(tries int, age time.Duration) (time.Duration, bool) {
	switch tr.Retries {
	case RetryTest:
		steps := []time.Duration{5 * time.Minute, time.Hour, 3 * time.Hour}
		return steps[min(tries, len(steps))-1], tries <= len(steps)
	case RetryLive:
		steps := []time.Duration{5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour}
		d := steps[min(tries, len(steps))-1]
		return d, age+d <= giveUpAfter
	}
	return min(lastRetry, firstRetry<<min(tries-1, 10)), age <= giveUpAfter || tries < leastTries
}

// troubleJSON is Trouble in the control API.
type troubleJSON struct {
	Duplicate float64  `json:"duplicate"`
	Delay     []string `json:"delay"` // shortest and longest, such as 1s and 5m
	Reorder   float64  `json:"reorder"`
	TwoEvents float64  `json:"two_events"`
	Seed      uint64   `json:"seed"`
	Chunked   bool     `json:"chunked"`
	Retries   string   `json:"retries"`
}

func (t *Twin) controlTrouble(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodPost {
		var in troubleJSON
		if !readJSON(w, req, &in) {
			return
		}
		tr, err := in.trouble()
		if err == nil {
			err = t.SetTrouble(tr)
		}
		if err != nil {
			refuseJSON(w, err)
			return
		}
	}
	t.mu.Lock()
	tr := t.trouble
	t.mu.Unlock()
	sendJSON(w, http.StatusOK, troubleJSON{
		Duplicate: tr.Duplicate, Delay: []string{tr.DelayMin.String(), tr.DelayMax.String()},
		Reorder: tr.Reorder, TwoEvents: tr.TwoEvents, Seed: tr.Seed, Chunked: tr.Chunked, Retries: tr.Retries,
	})
}

func (in *troubleJSON) trouble() (tr Trouble, err error) {
	tr = Trouble{Duplicate: in.Duplicate, Reorder: in.Reorder, TwoEvents: in.TwoEvents, Seed: in.Seed, Chunked: in.Chunked, Retries: in.Retries}
	switch len(in.Delay) {
	case 0:
		return tr, nil
	case 2:
		var short, long error
		tr.DelayMin, short = time.ParseDuration(in.Delay[0])
		tr.DelayMax, long = time.ParseDuration(in.Delay[1])
		return tr, errors.Join(short, long)
	}
	return tr, errors.New(`delay: want the shortest and the longest, such as ["1s", "5m"]`)
}
