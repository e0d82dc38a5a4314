package budget

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is an installation in made-up time: processes that settle with one
// record, send requests, are killed, paused and replaced.
type model struct {
	t       *rapid.T
	limits  limits
	per     time.Duration
	rate    int
	now     time.Time
	record  record
	procs   []*process
	born    int
	sent    []time.Time // every request, in order
	granted [classes]int
}

type process struct {
	id        string
	skew      time.Duration // of its idea of the broker's time
	used      [classes]int
	idle      [classes]int
	tokens    [classes]int
	goodUntil time.Time
	heldUntil time.Time
	waiting   [classes][]time.Time
}

func (m *model) start() {
	m.born++
	// Half of the error that newPace forgives, either way.
	skew := time.Duration(rapid.Int64Range(-int64(m.per/40), int64(m.per/40)).Draw(m.t, "skew"))
	m.procs = append(m.procs, &process{id: fmt.Sprintf("p%d", m.born), skew: skew})
}

// settle is what Budget does with a turn. lost turns are stored, and their
// process dies before it hears of it.
func (m *model) settle(p *process) {
	now := m.now.Add(p.skew)
	d := demand{used: p.used, idle: p.idle, waiting: p.waiting, linger: true}
	if now.Before(p.goodUntil) {
		d.tokens = p.tokens
	}
	r, v := settle(m.record, m.limits, p.id, d, now)
	if changed(m.record, r, p.id) {
		m.record = r
	}
	if d.tokens == ([classes]int{}) {
		p.goodUntil = now.Add(m.limits.pace.life)
	}
	p.idle, p.tokens, p.heldUntil = v.slots, v.tokens, r.Workers[p.id].Until
}

// send uses what the process has in hand, after a while.
func (m *model) send(p *process) {
	now := m.now.Add(p.skew)
	for c := range classes {
		for len(p.waiting[c]) > 0 && p.idle[c] > 0 && p.tokens[c] > 0 && now.Before(p.goodUntil) && now.Before(p.heldUntil.Add(-slotMargin)) {
			p.waiting[c] = p.waiting[c][1:]
			p.idle[c]--
			p.used[c]++
			p.tokens[c]--
			m.sent = append(m.sent, m.now)
			m.granted[c]++
		}
	}
}

func (m *model) check() {
	at := 0
	for _, p := range m.procs {
		at += p.used[posting] + p.used[polling]
	}
	if at > m.limits.slots {
		m.t.Fatalf("%d requests at once, %d allowed", at, m.limits.slots)
	}
	inSpan := 0
	for _, s := range slices.Backward(m.sent) {
		if m.now.Sub(s) >= m.per {
			break
		}
		inSpan++
	}
	if inSpan > m.rate {
		m.t.Fatalf("%d requests within %v, %d allowed", inSpan, m.per, m.rate)
	}
}

func TestNoSpanOfTimeSeesMoreThanIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, per: time.Minute, now: time.Unix(1_700_000_000, 0)}
		m.rate = rapid.SampledFrom([]int{1, 2, 5, 20, 60, 150}).Draw(t, "rate")
		m.limits = limits{slots: rapid.IntRange(1, 5).Draw(t, "slots"), pace: newPace(m.rate, m.per)}
		for range rapid.IntRange(1, 4).Draw(t, "processes") {
			m.start()
		}
		for range 300 {
			m.now = m.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "pass")) * time.Millisecond)
			p := m.procs[rapid.IntRange(0, len(m.procs)-1).Draw(t, "who")]
			// A living process renews in time; only requests of living ones count.
			for _, other := range m.procs {
				if m.now.Add(slotTTL/3).After(other.heldUntil) && other.used != [classes]int{} {
					m.settle(other)
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2:
				c := class(rapid.IntRange(0, 1).Draw(t, "class"))
				p.waiting[c] = append(p.waiting[c], m.now.Add(p.skew))
				m.settle(p)
			case 3, 4:
				m.settle(p)
			case 5, 6:
				m.send(p)
			case 7, 8:
				for c := range classes {
					if p.used[c] > 0 {
						p.used[c]--
						p.idle[c]++
						break
					}
				}
			case 9: // killed, with whatever it has, and another one in its place
				m.procs = slices.DeleteFunc(m.procs, func(x *process) bool { return x == p })
				m.start()
			}
			m.check()
		}
	})
}

func TestWaitingProcessesUseWhatThereIs(t *testing.T) {
	m := &model{per: time.Minute, rate: 100, now: at(0), limits: limits{slots: 3, pace: newPace(100, time.Minute)}}
	for _, id := range []string{"a", "b", "c"} {
		m.procs = append(m.procs, &process{id: id})
	}
	const minutes = 5
	for range minutes * 60 * 20 {
		m.now = m.now.Add(50 * time.Millisecond)
		for _, p := range m.procs {
			for len(p.waiting[posting]) < 5 {
				p.waiting[posting] = append(p.waiting[posting], m.now)
			}
			p.idle[posting], p.used[posting] = p.idle[posting]+p.used[posting], 0
			m.settle(p)
			m.send(p)
		}
	}
	if n := len(m.sent); n < minutes*75 || n > minutes*100 {
		t.Errorf("%d requests in %d minutes, 100 a minute allowed", n, minutes)
	}
}

func at(seconds float64) time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func waits(c class, n int, since time.Time) demand {
	var d demand
	d.waiting[c] = slices.Repeat([]time.Time{since}, n)
	return d
}

func TestSlotsOfADeadProcessComeFree(t *testing.T) {
	l := limits{slots: 2}
	r, v := settle(record{}, l, "dead", waits(posting, 2, at(0)), at(0))
	if v.slots[posting] != 2 {
		t.Fatalf("got %d slots, want 2", v.slots[posting])
	}
	r, v = settle(r, l, "alive", waits(posting, 1, at(1)), at(1))
	if v.slots[posting] != 0 || !v.wake.Before(at(1).Add(lineTTL)) {
		t.Fatalf("got %d slots while they were held, wake at %v", v.slots[posting], v.wake)
	}
	if _, v = settle(r, l, "alive", waits(posting, 1, at(1)), at(0).Add(slotTTL)); v.slots[posting] != 1 {
		t.Errorf("got %d slots after the holder's time, want 1", v.slots[posting])
	}
}

func TestABrokerWhoseClockIsSetBackStopsNobody(t *testing.T) {
	l := limits{slots: 2, pace: newPace(16, time.Second)}
	before := at(0).Add(24 * time.Hour)
	r, v := settle(record{}, l, "dead", waits(posting, 2, before), before)
	if v.slots[posting] != 2 {
		t.Fatalf("got %d slots, want 2", v.slots[posting])
	}
	r, _ = settle(r, l, "alive", waits(posting, 1, at(0)), at(0))
	if most := at(0).Add(longest); r.Spent.After(most) || r.Workers["dead"].Until.After(most) {
		t.Errorf("tokens are spent to %v, slots held to %v", r.Spent, r.Workers["dead"].Until)
	}
	now := at(0).Add(slotTTL)
	if _, v = settle(r, l, "alive", waits(posting, 1, at(0)), now); v.slots[posting] != 1 || v.tokens[posting] < 1 {
		t.Errorf("got %d slots and %d tokens, want 1", v.slots[posting], v.tokens[posting])
	}
}

func TestWhoWaitsLongestIsNext(t *testing.T) {
	l := limits{slots: 1}
	r, _ := settle(record{}, l, "a", waits(posting, 1, at(0)), at(0))
	r, _ = settle(r, l, "b", waits(posting, 1, at(1)), at(1))
	// a has finished and has more to send.
	d := waits(posting, 5, at(2))
	d.idle[posting], d.linger = 1, true
	r, v := settle(r, l, "a", d, at(2))
	if v.slots[posting] != 0 {
		t.Fatalf("a kept its slot although b waits")
	}
	if _, v = settle(r, l, "b", waits(posting, 1, at(1)), at(2)); v.slots[posting] != 1 {
		t.Errorf("b got %d slots, want 1", v.slots[posting])
	}
}

func TestPollingLeavesAPartAlone(t *testing.T) {
	l := limits{slots: 3, pace: newPace(80, time.Minute)}
	r, v := settle(record{}, l, "poller", waits(polling, 50, at(0)), at(0))
	if v.slots[polling] != 2 {
		t.Errorf("polling got %d slots of 3, want 2", v.slots[polling])
	}
	if left := l.pace.left(r.Spent, at(0)); left < l.pace.reserve() {
		t.Errorf("polling left %d tokens, want %d", left, l.pace.reserve())
	}
	if _, v = settle(r, l, "sink", waits(posting, 1, at(0.1)), at(0.1)); v.slots[posting] != 1 {
		t.Errorf("posting got %d slots beside polling, want 1", v.slots[posting])
	}
}

func TestPostingGoesFirstButPollingNotNever(t *testing.T) {
	for _, c := range []struct {
		name        string
		polledSince time.Time
		next        string
	}{
		{"polling that has just come", at(10), "sink"},
		{"polling that has waited for long", at(11).Add(-patience - time.Second), "poller"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := limits{slots: 1}
			r, _ := settle(record{}, l, "busy", waits(posting, 1, at(10)), at(10))
			poll, post := waits(polling, 1, c.polledSince), waits(posting, 1, at(10.5))
			r, _ = settle(r, l, "poller", poll, at(10.5))
			r, _ = settle(r, l, "sink", post, at(10.5))
			r, _ = settle(r, l, "busy", demand{}, at(11))
			_, polled := settle(r, l, "poller", poll, at(11))
			_, posted := settle(r, l, "sink", post, at(11))
			got := fmt.Sprint(polled.slots[polling], posted.slots[posting])
			if want := map[string]string{"sink": "0 1", "poller": "1 0"}[c.next]; got != want {
				t.Errorf("slots of poller and sink: %s, want %s", got, want)
			}
		})
	}
}

func TestRefusalsWithoutATimeDouble(t *testing.T) {
	var r record
	now := at(0)
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		want := time.Duration(seconds) * time.Second
		r.hold(0, now)
		r.hold(0, now) // many requests are refused at once
		if got := r.NotBefore.Sub(now); got != want {
			t.Fatalf("hold of %v, want %v", got, want)
		}
		now = r.NotBefore.Add(time.Second)
	}
	now = now.Add(2 * longest)
	if r.hold(0, now); r.NotBefore.Sub(now) != firstHold {
		t.Errorf("hold of %v long after the last, want %v", r.NotBefore.Sub(now), firstHold)
	}
	if r.hold(time.Hour, now); r.NotBefore.Sub(now) != time.Hour {
		t.Errorf("hold of %v, told one hour", r.NotBefore.Sub(now))
	}
}
