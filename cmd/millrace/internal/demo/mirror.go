package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"time"

	"millrace/cmd/millrace/internal/mirrorproof"
	"millrace/cmd/millrace/internal/mirroryear"
	"millrace/internal/acumatica"
	"millrace/internal/config"
	"millrace/internal/service"
)

const (
	mirrorCustomers = 12
	// mirrorSkew is by how much Acumatica's clock differs from Stripe's.
	mirrorSkew = 7 * time.Minute
	// patient is how long both systems may take to be equal.
	patient = 20 * time.Second
	// unaided is how long, and for how many looks, they may take to be equal
	// without all being read in full.
	unaided, looks = patient / 4, 10
)

// Endpoints are those that the mirror year can be played at.
func Endpoints() []string { return []string{"22.200.001", "23.200.001", "24.200.001"} }

// mirrorConfig makes lists of a few rows, so that windows are halved, and
// reads in full every three days.
func (d *Demo) mirrorConfig(c *config.Config) {
	yearConfig(c)
	conn := &c.Connections[0]
	conn.Stripe.APIBase, conn.Acumatica.URL = d.linked[0], d.linked[1]
	conn.Acumatica.Endpoint, conn.Acumatica.SettleDelay = d.endpoint(), 100*time.Millisecond
	conn.Invoices.DebitMemos = true
	conn.Poll = config.Poll{Interval: 50 * time.Millisecond, Overlap: 10 * time.Second, Settle: 50 * time.Millisecond, PageSize: 10, Full: 72 * time.Hour}
}

// endpoint is that of Acumatica which the pipeline works with.
func (d *Demo) endpoint() string {
	if d.o.Endpoint == "" {
		return endpoint
	}
	return "Default/" + d.o.Endpoint
}

// A mirror is a year of the mirror while it is played.
type mirror struct {
	*Demo
	rt      *service.Runtime
	watch   *watch
	payable *payable
	began   time.Time
	erp     http.Client // with the session of one who reads

	unequal []string // at checkpoints, in words
	checks  int
	over    int  // of unequal: more could be paid than was open
	healed  int  // of unequal: equal only after all was read in full
	setBack bool // the clock, since the last comparison: what was done then is found by reading all
}

// RunMirror plays a year of bookkeeping and paying, and returns what an oracle
// says of both systems. It returns nil without an error when ctx ends before.
func (d *Demo) RunMirror(ctx context.Context, rt *service.Runtime) (*MirrorResult, error) {
	addr, ok := rt.Addr("ingest")
	if !ok {
		return nil, errors.New("demo: ingest does not listen")
	}
	d.stripe.SetWebhook("http://"+addr.String()+"/webhooks/stripe", d.secret)
	m := &mirror{Demo: d, rt: rt, watch: newWatch(rt.Bus, io.Discard), began: time.Now()}
	m.payable = newPayable(d, rt.Bus)
	tell := m.payable.finalized
	m.line(mirroryear.Stripe).finalized.Store(&tell)
	follow, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { _ = m.watch.run(follow) })   // what it misses shows in the end
	following.Go(func() { _ = m.payable.run(follow) }) // so does this
	defer func() { stop(); following.Wait() }()

	res, err := m.run(ctx)
	if ctx.Err() != nil {
		return nil, nil //nolint:nilnil // documented: stopped before the end
	}
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return res, nil
}

func (m *mirror) run(ctx context.Context) (*MirrorResult, error) {
	clerk, err := acumatica.New(acumatica.Config{
		BaseURL: m.erpURL, Tenant: tenant, Endpoint: endpoint, Username: username, Password: m.password, Timeout: 30 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = clerk.Close(context.WithoutCancel(ctx)) }() // its session ends with the twin
	if err := m.signIn(ctx); err != nil {
		return nil, err
	}
	days := m.o.Days
	if days == 0 {
		days = mirroryear.Short
	}
	played, err := mirroryear.Play(ctx, mirroryear.Options{
		ERP: clerk, Ledger: m.Demo.erp, Stripe: m.stripe, StripeURL: m.stripeURL, Key: m.key, Client: m.client,
		World: m, Start: yearStart(), Days: days, Customers: mirrorCustomers, Seed: m.o.Seed,
		Told: func(day int) { m.tell(m.began, fmt.Sprintf("day %3d", day)) },
	})
	if err != nil {
		return nil, err
	}
	return m.result(ctx, played)
}

// signIn opens the session of one who reads.
func (m *mirror) signIn(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	m.erp = http.Client{Jar: jar, Timeout: m.client.Timeout}
	body := fmt.Sprintf(`{"name":%q,"password":%q,"tenant":%q}`, username, m.password, tenant)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.erpURL+"/entity/auth/login", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := m.erp.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // nothing was read from it
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("sign in: http %d", res.StatusCode)
	}
	return nil
}

// Pass lets time pass in both systems, and waits a little for the pipeline.
func (m *mirror) Pass(ctx context.Context, d, ours time.Duration) error {
	if d > 0 {
		if err := m.pass(ctx, d); err != nil {
			return err
		}
	}
	t := time.NewTimer(ours)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Freeze stops the clock of Acumatica, or lets it go on.
func (m *mirror) Freeze(frozen bool) {
	if !frozen {
		m.frozen.Store(0)
		return
	}
	m.frozen.Store(m.erpNow().UnixNano())
}

// SetBack sets the clock of Acumatica back.
func (m *mirror) SetBack(d time.Duration) {
	m.setBack = true
	m.skew.Add(-int64(d))
}

// Cut breaks the line from the pipeline to a system, or mends it.
func (m *mirror) Cut(system string, broken bool) { m.line(system).broken.Store(broken) }

func (m *mirror) line(system string) *line {
	if system == mirroryear.Stripe {
		return m.lines[0]
	}
	return m.lines[1]
}

// Compare waits until both systems are equal, and notes what is not after a
// while, or only since all was read in full.
func (m *mirror) Compare(ctx context.Context, day int) error {
	m.checks++
	late, differ, err := m.settle(ctx)
	if err != nil {
		return err
	}
	for _, d := range differ {
		if d.Over() {
			m.over++
		}
		m.unequal = append(m.unequal, fmt.Sprintf("day %d: %s", day, d))
	}
	if len(differ) == 0 && !m.setBack {
		for _, d := range late {
			m.healed++
			m.unequal = append(m.unequal, fmt.Sprintf("day %d: no window found, only a full reading: %s", day, d))
		}
	}
	m.setBack = false
	return nil
}

// settle waits until nothing is on its way, everything was polled, and both
// systems are equal. late is what was not when all had to be read in full,
// differ what is not in the end.
func (m *mirror) settle(ctx context.Context) (late, differ []mirrorproof.Difference, err error) {
	m.ahead.Add(int64(time.Minute)) // everything is before the end of the next window
	began := time.Now()
	for n := 1; ; n++ {
		if err := m.polled(ctx); err != nil {
			return nil, nil, err
		}
		p, err := m.prove(ctx)
		if err != nil {
			return nil, nil, err
		}
		differ = unexplained(p)
		if len(differ) == 0 || time.Since(began) > patient && late != nil {
			return late, differ, nil
		}
		if late == nil && time.Since(began) > unaided && n > looks {
			late = differ
			m.ahead.Add(int64(73 * time.Hour))
		}
	}
}

// unexplained are the differences that must not be, now: in the end no bank is
// asked any more.
func unexplained(p *mirrorproof.Proof) []mirrorproof.Difference {
	var out []mirrorproof.Difference
	for _, d := range p.Differences {
		if !d.Review && !d.Debit {
			out = append(out, d)
		}
	}
	return out
}

// polled waits until two rounds of polling began, and then until nothing is on
// its way. It goes on without when that takes too long: the oracle will tell.
func (m *mirror) polled(ctx context.Context) error {
	from, over := m.line(mirroryear.Acumatica).rounds.Load(), time.Now().Add(patient)
	for time.Now().Before(over) {
		if err := m.Pass(ctx, 0, tick/4); err != nil {
			return err
		}
		if m.line(mirroryear.Acumatica).rounds.Load() < from+2 {
			continue
		}
		if idle, err := m.idle(ctx, m.rt); err == nil && idle {
			return nil
		}
	}
	return ctx.Err()
}

// prove asks the oracle.
func (m *mirror) prove(ctx context.Context) (*mirrorproof.Proof, error) {
	return mirrorproof.Prove(ctx, mirrorproof.Sources{
		Stripe: m.get, ERP: m.read, Endpoint: endpoint, Reviewed: m.watch.reviewed(),
	})
}
