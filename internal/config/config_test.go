package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/internal/fault"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T, src Source) (*Config, Origins) {
	t.Helper()
	t.Chdir(t.TempDir()) // no millrace.yaml here
	c, o, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return c, o
}

func TestPrecedenceIsFlagEnvFileDefault(t *testing.T) {
	file := write(t, "m.yaml", "ops: {listen: ':1'}\ndata_dir: /from/file\nnats: {url: 'nats://file:4222'}\n")
	vars := map[string]string{"MILLRACE_DATA_DIR": "/from/env", "NATS_URL": "nats://env:4222"}
	flags := []Flag{{"--data-dir", "data_dir", "/from/flag"}}
	c, o := mustLoad(t, Source{Path: file, Getenv: env(vars), Flags: flags})
	for _, tt := range []struct{ path, got, want, kind, where string }{
		{"data_dir", c.DataDir, "/from/flag", "flag", "--data-dir"},
		{"nats.url", c.NATS.URL, "nats://env:4222", "env", "NATS_URL"},
		{"ops.listen", c.Ops.Listen, ":1", "file", file + ":1:15"},
		{"ingest.listen", c.Ingest.Listen, "127.0.0.1:8080", "default", ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.path, tt.got, tt.want)
		}
		if got := o.Of(tt.path); got != (Origin{tt.kind, tt.where}) {
			t.Errorf("origin of %s = %v, want %s %s", tt.path, got, tt.kind, tt.where)
		}
	}
}

func TestEnvironmentFillsTheDefaultConnection(t *testing.T) {
	secret := write(t, "key", "sk_live_fromfile\n")
	vars := map[string]string{
		"STRIPE_API_KEY_FILE": secret, "STRIPE_WEBHOOK_SECRET": "whsec_a, whsec_b",
		"ACUMATICA_URL": "https://erp.example", "ACUMATICA_ENDPOINT": "Default/25.200.001",
		"MILLRACE_CASH_ACCOUNTS": "usd=10250ST,EUR=10251ST", "MILLRACE_POLL_INTERVAL": "300ms",
	}
	c, o := mustLoad(t, Source{Getenv: env(vars)})
	conn, ok := c.Default()
	if !ok || conn.Name != "default" {
		t.Fatalf("default connection = %+v, %v", conn, ok)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"key from _FILE without newline", conn.Stripe.APIKey.Reveal(), "sk_live_fromfile"},
		{"livemode follows from the key", conn.Stripe.Livemode, true},
		{"several secrets", fmt.Sprintf("%d %s", len(conn.Stripe.WebhookSecrets), conn.Stripe.WebhookSecrets[1].Reveal()), "2 whsec_b"},
		{"url", conn.Acumatica.URL, "https://erp.example"},
		{"endpoint", conn.Acumatica.Endpoint, "Default/25.200.001"},
		{"currency in upper case", conn.Books.CashAccounts["USD"], "10250ST"},
		{"interval", conn.Poll.Interval, 300 * time.Millisecond},
		{"default stays", conn.Acumatica.SettleDelay, 30 * time.Second},
		{"origin", o.Of("connections[0].stripe.api_key").Where, "STRIPE_API_KEY_FILE"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestEnvironmentIsAboutTheConnectionNamedDefault(t *testing.T) {
	file := write(t, "m.yaml", "connections:\n- name: eu\n- name: default\n")
	c, _ := mustLoad(t, Source{Path: file, Getenv: env(map[string]string{"ACUMATICA_TENANT": "Company"})})
	if c.Connections[0].Acumatica.Tenant != "" || c.Connections[1].Acumatica.Tenant != "Company" {
		t.Errorf("connections = %+v", c.Connections)
	}
}

func TestReferencesInValues(t *testing.T) {
	file := write(t, "m.yaml", `
connections:
- acumatica:
    url: https://${HOST}/site
    password: file:pw
    tenant: ${NOBODY:-Company}
    branch: a$${b}
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "pw"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := mustLoad(t, Source{Path: file, Getenv: env(map[string]string{"HOST": "erp.example"})})
	a := c.Connections[0].Acumatica
	for _, tt := range [][2]string{
		{a.URL, "https://erp.example/site"},
		{a.Password.Reveal(), "s3cret"},
		{a.Tenant, "Company"},
		{a.Branch, "a${b}"},
	} {
		if tt[0] != tt[1] {
			t.Errorf("got %q, want %q", tt[0], tt[1])
		}
	}
}

// lintText is what lint finds in a file, one finding a line.
func lintText(t *testing.T, file string) string {
	t.Helper()
	problems, _, err := Lint(Source{Path: file, Getenv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&text, strings.ReplaceAll(p.String(), file, "m.yaml"))
	}
	return text.String()
}

func TestLintFindsAllProblemsAtOnceWithLines(t *testing.T) {
	file := write(t, "m.yaml", `
connections:
- name: Bad Name
  stripe:
    api_kye: sk_test_1
    api_key: ${MISSING}
    livemode: maybe
  acumatica:
    url: erp.example
    endpoint: Default/20.200.001
    timeout: 5 minutes
  books:
    time_zone: Mars/Olympus
- name: two
  stripe: {api_key: pk_test_1, livemode: true, webhook_secrets: whsec_1}
  acumatica: {url: "https://x", username: u, password: p, client_id: c}
  books: {payment_method: STRIPE, cash_accounts: {USD: 10250ST}}
partitions: 0
`)
	text := lintText(t, file)
	for _, want := range []string{
		`m.yaml:5:5: connections[0].stripe.api_kye: unknown key "api_kye" (did you mean api_key?)`,
		"m.yaml:6:14: connections[0].stripe.api_key: ${MISSING}: not set in the environment",
		`connections[0].stripe.livemode: "maybe" is not true or false`,
		`m.yaml:11:14: connections[0].acumatica.timeout: "5 minutes" is not a duration`,
		`connections[0].name: "Bad Name" is not a name`,
		"connections[0].acumatica.url: not an absolute http or https URL",
		"connections[0].acumatica.username: required by source-acumatica, transform, sink-acumatica (set ACUMATICA_USERNAME)",
		"version 20.200.001 of Default is not one with contract version 4",
		`"Mars/Olympus" is not a time zone`,
		"warning: connections[0].books.payment_method: no payment can be posted",
		"warning: connections[0].books.cash_accounts: no payment can be posted",
		"connections[1].stripe.webhook_secrets: want a list",
		"connections[1].stripe.api_key: this is the publishable key",
		"livemode is true but the key is for test mode",
		"client_id and client_secret go together",
		"m.yaml:18:13: partitions: 0 is not between 1 and 1024",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no finding %q in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "stripe.api_key: "); n != 2 {
		t.Errorf("%d findings about api_key, want one per connection:\n%s", n, text)
	}
}

func TestValidateAsksOnlyForWhatTheServicesNeed(t *testing.T) {
	for _, tt := range []struct {
		service string
		vars    map[string]string
	}{
		{"ingest", map[string]string{"STRIPE_WEBHOOK_SECRET": "whsec_1"}},
		{"sink-stripe", map[string]string{"STRIPE_API_KEY": "sk_test_1"}},
		{"sink-acumatica", map[string]string{"ACUMATICA_URL": "https://x", "ACUMATICA_USERNAME": "u", "ACUMATICA_PASSWORD": "p"}},
	} {
		t.Run(tt.service, func(t *testing.T) {
			c, o := mustLoad(t, Source{Getenv: env(tt.vars)})
			if _, err := Check(c, o, tt.service); err != nil {
				t.Errorf("alone: %v", err)
			}
			_, err := Check(c, o)
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != "config.invalid" {
				t.Errorf("for all services: err = %v, want config.invalid", err)
			}
		})
	}
}

// TestBooksAreNotNeededToStart: invoices flow, payments are parked with a hint.
func TestBooksAreNotNeededToStart(t *testing.T) {
	c, o := mustLoad(t, Source{Getenv: env(map[string]string{
		"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1",
		"ACUMATICA_URL": "https://x", "ACUMATICA_USERNAME": "u", "ACUMATICA_PASSWORD": "p",
	})})
	warnings, err := Check(c, o)
	if err != nil || len(warnings) != 2 || !strings.Contains(warnings[0].Hint, "MILLRACE_PAYMENT_METHOD") {
		t.Errorf("warnings = %v, err = %v", warnings, err)
	}
}

func TestFileFormsFillReferencesAsWell(t *testing.T) {
	secret := write(t, "key", "sk_test_from_file\n")
	file := write(t, "m.yaml", "connections:\n- name: default\n  stripe: {api_key: \"${STRIPE_API_KEY}\"}\n")
	c, _ := mustLoad(t, Source{Path: file, Getenv: env(map[string]string{"STRIPE_API_KEY_FILE": secret})})
	if got := c.Connections[0].Stripe.APIKey.Reveal(); got != "sk_test_from_file" {
		t.Errorf("api_key = %q", got)
	}
}

func TestPathsHaveNoFileForm(t *testing.T) {
	_, _, err := Load(Source{Getenv: env(map[string]string{"NATS_CREDS_FILE": "/run/creds"})})
	if err == nil || !strings.Contains(err.Error(), "set NATS_CREDS") {
		t.Errorf("err = %v: a variable that is ignored must be told", err)
	}
}

func TestNoSecretIsShown(t *testing.T) {
	vars := map[string]string{
		"STRIPE_API_KEY": "sk_test_HIDDEN", "STRIPE_WEBHOOK_SECRET": "whsec_HIDDEN,whsec_HIDDEN2",
		"ACUMATICA_PASSWORD": "HIDDEN", "ACUMATICA_CLIENT_SECRET": "HIDDEN", "NATS_URL": "nats://u:HIDDEN@host:4222,nats://HIDDEN@other:4222",
	}
	c, o := mustLoad(t, Source{Getenv: env(vars)})
	text := fmt.Sprintf("%v %+v %#v", Show(c, o), c.Connections[0], c.Connections[0].Stripe)
	if strings.Contains(text, "HIDDEN") {
		t.Errorf("a secret shows: %s", text)
	}
	for _, want := range []string{"{connections[0].stripe.api_key *** env STRIPE_API_KEY}", "***,***", "nats://***@host:4222"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestTheTemplateIsValidOnceItsVariablesAreSet(t *testing.T) {
	file := write(t, "m.yaml", Template())
	vars := map[string]string{
		"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1",
		"ACUMATICA_URL": "https://erp.example", "ACUMATICA_USERNAME": "u", "ACUMATICA_PASSWORD": "p",
	}
	problems, _, err := Lint(Source{Path: file, Getenv: env(vars)})
	if err != nil || len(problems.Fatal())+len(problems.Warnings()) > 0 {
		t.Errorf("problems = %v, err = %v", problems, err)
	}
	uncommented := strings.NewReplacer("# nats:", "nats:", "# ingest:", "ingest:", "# ops:", "ops:", "    # poll:", "    poll:",
		"#   ", "  ", "# data_dir", "data_dir", "# partitions", "partitions", "      # ", "      ").Replace(Template())
	uncommented = strings.ReplaceAll(uncommented, "    #   ", "      ")
	if problems, _, _ := Lint(Source{Path: write(t, "all.yaml", uncommented), Getenv: env(vars)}); len(problems) > 0 {
		for _, p := range problems {
			if strings.Contains(p.Message, "unknown key") {
				t.Errorf("a commented key is not a setting: %v", p)
			}
		}
	}
}

func TestSearchOrder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	xdg := filepath.Join(dir, "xdg", "millrace", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(xdg), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, n := range map[string]int{"named.yaml": 1, "env.yaml": 2, "millrace.yaml": 3, xdg: 4} {
		if err := os.WriteFile(path, fmt.Appendf(nil, "partitions: %d\n", n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vars := map[string]string{"MILLRACE_CONFIG": "env.yaml", "XDG_CONFIG_HOME": filepath.Join(dir, "xdg")}
	named := "named.yaml"
	for want := 1; want <= 4; want++ {
		c, _, err := Load(Source{Path: named, Getenv: env(vars)})
		if err != nil || c.Partitions != want {
			t.Fatalf("partitions = %+v, err = %v, want %d", c, err, want)
		}
		switch want {
		case 1:
			named = ""
		case 2:
			delete(vars, "MILLRACE_CONFIG")
		case 3:
			if err := os.Remove("millrace.yaml"); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, _, err := Load(Source{Path: "nowhere.yaml"})
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != "config.file_missing" {
		t.Errorf("a named file that is missing: err = %v", err)
	}
}

func TestBrokenYAMLNamesTheLine(t *testing.T) {
	file := write(t, "m.yaml", "ops:\n  listen: [\n")
	_, _, err := Load(Source{Path: file})
	if err == nil || !strings.Contains(err.Error(), "not YAML") {
		t.Errorf("err = %v", err)
	}
}
