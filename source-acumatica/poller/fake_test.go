package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/link"
)

// erp is an Acumatica with just what polling touches: change times, filters,
// and pages by offset in no promised order.
type erp struct {
	mu      sync.Mutex
	skew    time.Duration // of its clock against ours
	rows    map[string]acumatica.Record
	calls   []acumatica.Query // of lists, without the question for the time
	reads   int               // of single records
	down    error
	noDate  bool
	onList  func(entity string, q acumatica.Query) // after an answer is made; may change rows
	shuffle bool                                   // answers newest first instead of by id
	order   func([]acumatica.Record)               // of an answer, before it is cut into pages
}

func newERP() *erp { return &erp{rows: make(map[string]acumatica.Record)} }

func (s *erp) now() time.Time { return time.Now().Add(s.skew) }

// save writes a record as a user would: its change time is now.
func (s *erp) save(entity, id string, fields map[string]string) {
	s.saveAt(entity, id, s.now(), fields)
}

func (s *erp) saveAt(entity, id string, at time.Time, fields map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := acumatica.Record{"id": id, "entity": entity, "LastModifiedDateTime": acumatica.Value(stamp(at))}
	for k, v := range fields {
		r[k] = acumatica.Value(v)
	}
	s.rows[entity+id] = r
}

func (s *erp) customer(id string) {
	s.save("Customer", id, map[string]string{"CustomerID": id, "Status": "Active"})
}

func (s *erp) invoice(nbr, status string) {
	s.save("Invoice", "guid-"+nbr, invoice(nbr, "C1", status))
}

func invoice(nbr, customer, status string) map[string]string {
	return map[string]string{"Type": "Invoice", "ReferenceNbr": nbr, "Customer": customer, "Status": status}
}

// stamp is a time as Acumatica writes it: milliseconds, trailing zeros cut,
// the server's own offset.
func stamp(t time.Time) string {
	return t.In(time.FixedZone("", 3*3600)).Format("2006-01-02T15:04:05.999-07:00")
}

var bounds = regexp.MustCompile(`(ge|lt) datetimeoffset'([^']+)'`)

// list evaluates the filters that polling writes; others are an error.
func (s *erp) list(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	s.mu.Lock()
	if s.down != nil {
		defer s.mu.Unlock()
		return nil, time.Time{}, s.down
	}
	var out []acumatica.Record
	for _, key := range slices.Sorted(maps.Keys(s.rows)) {
		if r := s.rows[key]; r["entity"] == entity && matches(r, q.Filter) {
			out = append(out, r)
		}
	}
	if s.shuffle {
		slices.Reverse(out)
	}
	if s.order != nil {
		s.order(out)
	}
	out = out[min(q.Skip, len(out)):]
	if q.Top > 0 {
		out = out[:min(q.Top, len(out))]
	}
	hook := s.onList
	if q.Filter == "" {
		hook = nil
	} else {
		s.calls = append(s.calls, q)
	}
	date := s.now().Truncate(time.Second) // HTTP: the Date header has whole seconds
	if s.noDate {
		date = time.Time{}
	}
	s.mu.Unlock()
	if hook != nil {
		hook(entity, q)
	}
	return out, date, nil
}

// get reads a record by its keys.
func (s *erp) get(_ context.Context, entity string, keys []string, _ acumatica.Query) (acumatica.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for _, r := range s.rows {
		if r["entity"] == entity && (keys[len(keys)-1] == r.String("ReferenceNbr") || keys[0] == r.String("CustomerID") || keys[0] == r.ID()) {
			return r, nil
		}
	}
	return nil, fault.Newf("acumatica.not_found", "%s %q", entity, keys)
}

func matches(r acumatica.Record, filter string) bool {
	if filter == "" {
		return true
	}
	changed, _ := r.Time("LastModifiedDateTime")
	for term := range strings.SplitSeq(filter, " and ") {
		if choice, ok := strings.CutPrefix(term, "("); ok {
			if !slices.ContainsFunc(strings.Split(strings.TrimSuffix(choice, ")"), " or "), func(x string) bool { return matches(r, x) }) {
				return false
			}
			continue
		}
		field, rest, _ := strings.Cut(term, " ")
		if m := bounds.FindStringSubmatch(rest); m != nil {
			at, err := time.Parse(time.RFC3339Nano, m[2])
			if err != nil || field != "LastModifiedDateTime" {
				panic("bad filter: " + term)
			}
			if before := changed.Before(at); before != (m[1] == "lt") {
				return false
			}
			continue
		}
		value, ok := strings.CutPrefix(rest, "eq ")
		if !ok {
			panic("bad filter: " + term)
		}
		if r.String(field) != strings.Trim(value, "'") {
			return false
		}
	}
	return true
}

// broker is a bus in memory: it stores an id once and keeps positions and
// leases.
type broker struct {
	mu      sync.Mutex
	events  []event
	fail    func(event) error
	values  map[string][]byte
	revs    map[string]uint64
	rev     uint64
	holder  string
	until   time.Time
	noLease error
}

type event struct {
	lane, object string
	ev           bus.Event
}

func newBroker() *broker {
	return &broker{values: make(map[string][]byte), revs: make(map[string]uint64)}
}

func (b *broker) publish(ctx context.Context, _, lane, _, object, _ string, ev bus.Event) (bus.PubAck, error) {
	if err := ctx.Err(); err != nil {
		return bus.PubAck{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := event{lane, object, ev}
	if b.fail != nil {
		if err := b.fail(e); err != nil {
			return bus.PubAck{}, err
		}
	}
	for _, old := range b.events {
		if old.ev.ID == ev.ID {
			return bus.PubAck{Seq: 1, Duplicate: true}, nil
		}
	}
	b.events = append(b.events, e)
	return bus.PubAck{Seq: uint64(len(b.events))}, nil
}

// subjects lists what was stored, in order.
func (b *broker) subjects() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []string{}
	for _, e := range b.events {
		out = append(out, e.ev.Subject)
	}
	return out
}

func (b *broker) Get(_ context.Context, key string) ([]byte, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.values[key]
	if !ok {
		return nil, 0, bus.ErrNotFound
	}
	return v, b.revs[key], nil
}

func (b *broker) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return b.Update(ctx, key, value, 0)
}

func (b *broker) Update(_ context.Context, key string, value []byte, rev uint64) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.revs[key] != rev {
		return 0, bus.ErrConflict
	}
	b.rev++
	b.values[key], b.revs[key] = value, b.rev
	return b.rev, nil
}

func (b *broker) Delete(_ context.Context, key string, _ uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.values, key)
	delete(b.revs, key)
	return nil
}

func (b *broker) KeysAfter(_ context.Context, prefix, after string, most int) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []string
	for key := range b.values {
		if strings.HasPrefix(key, prefix+".") && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(most, len(keys))], nil
}

func (b *broker) cursor(t *testing.T, object string) cursor {
	t.Helper()
	data, _, err := b.Get(t.Context(), bus.Key("default", "acumatica", object))
	if errors.Is(err, bus.ErrNotFound) {
		return cursor{}
	}
	var c cursor
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

type lease struct {
	b      *broker
	holder string
	ttl    time.Duration
}

func (b *broker) acquire(_ context.Context, _, holder string, ttl time.Duration) (Lease, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.noLease != nil {
		return nil, false, b.noLease
	}
	if b.holder != "" && b.holder != holder && b.until.After(time.Now()) {
		return nil, false, nil
	}
	b.holder, b.until = holder, time.Now().Add(ttl)
	return &lease{b, holder, ttl}, true, nil
}

func (l *lease) Renew(context.Context) error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.b.noLease != nil {
		return l.b.noLease
	}
	if l.b.holder != l.holder {
		return bus.ErrConflict
	}
	l.b.until = time.Now().Add(l.ttl)
	return nil
}

func (l *lease) Release(context.Context) error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.b.holder == l.holder {
		l.b.holder = ""
	}
	return nil
}

// newPoller polls s every 10 s with overlap 2 m, settle 2 s and pages of 3.
func newPoller(t *testing.T, s *erp, b *broker, change ...func(*Options)) *Poller {
	t.Helper()
	o := Options{
		Connection: "default", Holder: fmt.Sprintf("%p", t),
		Poll: config.Poll{Interval: 10 * time.Second, Overlap: 2 * time.Minute, Settle: 2 * time.Second, PageSize: 3},
		List: s.list, Get: s.get, Publish: b.publish, Acquire: b.acquire, Cursors: b, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Linked:    func(context.Context, string, string, string) (link.Link, bool, error) { return link.Link{}, false, nil },
		AnyLinked: func(context.Context, string, string) (bool, error) { return false, nil },
		Told:      b,
	}
	for _, f := range change {
		f(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
