package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones of the books also where the machine has none installed

	"millrace/internal/fault"
	"millrace/internal/ledger"
)

// Source is where a configuration comes from.
type Source struct {
	Path   string              // of the file, from --config; empty: searched
	Getenv func(string) string // nil: an empty environment
	Flags  []Flag              // win over everything else
}

// Flag is a value given on the command line.
type Flag struct {
	Name  string // as the user typed it: "--data-dir"
	Path  string // what it sets: "data_dir", or "connection.…" for the default connection
	Value string
}

// Origin says where a value came from.
type Origin struct {
	Kind  string // "default", "file", "env" or "flag"
	Where string // "millrace.yaml:12:5", "STRIPE_API_KEY", "--data-dir"
}

// Origins says where every value came from that is not a default.
type Origins struct {
	file string
	of   map[string]Origin
}

// File is the path of the file that was read; empty if there was none.
func (o Origins) File() string { return o.file }

// Of returns the origin of the value at a path such as
// "connections[0].stripe.api_key".
func (o Origins) Of(path string) Origin {
	if x, ok := o.of[path]; ok {
		return x
	}
	return Origin{Kind: "default"}
}

// Set reports whether somebody chose the value: it is not a default.
func (o Origins) Set(path string) bool {
	_, ok := o.of[path]
	return ok
}

// Defaults of a connection and of the installation, where zero is not one.
const (
	defaultAPIBase    = "https://api.stripe.com"
	defaultPushHeader = "X-Millrace-Secret"
	defaultEndpoint   = "Default/24.200.001"
	// Stripe: 25 requests a second in test mode and for each kind of object, 100
	// in live mode; the rest is for others who use the account.
	defaultPerSecond = 20
)

func defaultConnection() Connection {
	return Connection{
		Stripe: Stripe{APIBase: defaultAPIBase, SweepInterval: time.Minute, RequestsPerSecond: defaultPerSecond},
		Acumatica: Acumatica{
			Endpoint: defaultEndpoint, Timeout: 11 * time.Minute,
			SettleDelay: 30 * time.Second, Concurrency: 2, PushHeader: defaultPushHeader,
		},
		Books: Books{
			TimeZone: "UTC", Opening: OpeningPost, Mode: string(ledger.Detailed), Payouts: PayoutsAutomatic,
			Fees: string(ledger.FeesPerPayout), Refunds: string(ledger.RefundDocument), WriteOffLimit: "1.00", ClosedPeriod: ClosedPeriodPark,
		},
		Poll: Poll{
			Interval: 15 * time.Second, QuietInterval: time.Minute, Overlap: 2 * time.Minute, Settle: 2 * time.Second,
			PageSize: 1000, Full: 24 * time.Hour,
		},
	}
}

func defaults(getenv func(string) string) *Config {
	return &Config{
		NATS:       NATS{Listen: "127.0.0.1:0"},
		Ingest:     Ingest{Listen: "127.0.0.1:8080", MaxBody: 512 << 10, MaxAge: 5 * time.Minute},
		Push:       Push{MaxBody: 1 << 20},
		Ops:        Ops{Listen: "127.0.0.1:9090"},
		DataDir:    defaultDataDir(getenv),
		Partitions: 32,
	}
}

// defaultDataDir does not depend on the working directory, so that `status`
// finds what `up` started elsewhere.
func defaultDataDir(getenv func(string) string) string {
	if d := getenv("XDG_DATA_HOME"); d != "" {
		return filepath.Join(d, "millrace")
	}
	if d := getenv("HOME"); d != "" {
		return filepath.Join(d, ".local", "share", "millrace")
	}
	return "millrace-data"
}

// Load reads the configuration: flags win over the environment, that over the
// file, that over the defaults. config.file_missing when a file that was asked
// for is not there; config.invalid, with a Problems in its chain, when
// something in it cannot be understood. What is understood but does not make
// sense is for Check and Lint.
func Load(src Source) (*Config, Origins, error) {
	l, err := load(src)
	if err != nil {
		return nil, Origins{}, err
	}
	if len(l.problems) > 0 {
		return nil, l.origins, fault.New("config.invalid", l.problems)
	}
	return l.cfg, l.origins, nil
}

// Check is Validate as an error: config.invalid, with a Problems in its chain,
// unless the services can start all the same; then the warnings are returned.
func Check(c *Config, o Origins, services ...string) (warnings Problems, err error) {
	p := Validate(c, o, services...)
	if fatal := p.Fatal(); len(fatal) > 0 {
		return nil, fault.New("config.invalid", fatal)
	}
	return p.Warnings(), nil
}

// Lint finds everything that is wrong at once: what cannot be understood and
// what does not make sense for the given services. The error is about a file
// that cannot be read at all.
func Lint(src Source, services ...string) (Problems, Origins, error) {
	l, err := load(src)
	if err != nil {
		return nil, Origins{}, err
	}
	problems := l.problems
	for _, p := range Validate(l.cfg, l.origins, services...) {
		if !slices.ContainsFunc(l.problems, func(q Problem) bool { return q.Path == p.Path }) {
			problems = append(problems, p)
		}
	}
	return problems, l.origins, nil
}

type loader struct {
	src      Source
	cfg      *Config
	origins  Origins
	problems Problems
}

func load(src Source) (*loader, error) {
	if src.Getenv == nil {
		src.Getenv = func(string) string { return "" }
	}
	l := &loader{src: src, cfg: defaults(src.Getenv), origins: Origins{of: make(map[string]Origin)}}
	path, err := search(src)
	if err != nil {
		return nil, err
	}
	if path != "" {
		data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fault.New("config.file_missing", err)
		}
		l.origins.file = path
		l.readFile(path, data)
	}
	l.readEnv()
	l.readFlags()
	l.finish()
	return l, nil
}

// search returns the first file of the documented order; a file that was
// named must exist.
func search(src Source) (string, error) {
	for _, named := range []string{src.Path, src.Getenv("MILLRACE_CONFIG")} {
		if named == "" {
			continue
		}
		if _, err := os.Stat(named); err != nil {
			return "", fault.New("config.file_missing", err)
		}
		return named, nil
	}
	for _, path := range SearchPath(src.Getenv) {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return "", fault.New("config.file_missing", err)
		}
	}
	return "", nil
}

// SearchPath lists where a configuration file is looked for when none is
// named, in order.
func SearchPath(getenv func(string) string) []string {
	paths := []string{"millrace.yaml"}
	if d := getenv("XDG_CONFIG_HOME"); d != "" {
		paths = append(paths, filepath.Join(d, "millrace", "config.yaml"))
	} else if d := getenv("HOME"); d != "" {
		paths = append(paths, filepath.Join(d, ".config", "millrace", "config.yaml"))
	}
	return append(paths, "/etc/millrace/millrace.yaml")
}

func (l *loader) problem(path, where, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{
		Path: path, Where: where, Hint: hint, Message: fmt.Sprintf(format, args...),
	})
}

// finish derives what follows from other values.
func (l *loader) finish() {
	for i := range l.cfg.Connections {
		c := &l.cfg.Connections[i]
		path := fmt.Sprintf("connections[%d]", i)
		if c.Name == "" && i == 0 {
			c.Name = DefaultName
		}
		if !l.origins.Set(path + ".stripe.livemode") {
			c.Stripe.Livemode = strings.Contains(c.Stripe.APIKey.Reveal(), "_live_")
		}
		c.Books.CashAccounts = upper(c.Books.CashAccounts)
		c.Books.Clearing = upper(c.Books.Clearing)
	}
	if l.cfg.Ops.Listen == "off" {
		l.cfg.Ops.Listen = ""
	}
	for path, p := range map[string]*string{"data_dir": &l.cfg.DataDir, "nats.creds": &l.cfg.NATS.Creds} {
		if l.origins.Of(path).Kind == "file" && *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(l.origins.file), *p)
		}
	}
}
