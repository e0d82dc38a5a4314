package config

import (
	"fmt"
	"reflect"
	"strings"
)

// DefaultName is the name of the connection that needs no name.
const DefaultName = "default"

// Variable is an environment variable that sets a value.
type Variable struct {
	Name string
	Path string // "connection.…" is about the default connection
	Help string
}

// Variables lists every environment variable that sets a value, in the order
// they are documented. Each has a form with _FILE at its end, which names a
// file that holds the value; only those that are paths themselves have not.
func Variables() []Variable {
	return []Variable{
		{"STRIPE_API_KEY", "connection.stripe.api_key", "secret or restricted key"},
		{"STRIPE_API_BASE", "connection.stripe.api_base", "base URL of Stripe's API"},
		{"STRIPE_WEBHOOK_SECRET", "connection.stripe.webhook_secrets", "signing secret; several separated by commas"},
		{"STRIPE_LIVEMODE", "connection.stripe.livemode", "true or false; derived from the key"},
		{"STRIPE_REQUESTS_PER_SECOND", "connection.stripe.requests_per_second", "of all processes together; 0 is no limit"},
		{"ACUMATICA_URL", "connection.acumatica.url", "https://host/site"},
		{"ACUMATICA_TENANT", "connection.acumatica.tenant", "tenant name as on the sign-in page"},
		{"ACUMATICA_ENDPOINT", "connection.acumatica.endpoint", "such as Default/24.200.001"},
		{"ACUMATICA_USERNAME", "connection.acumatica.username", ""},
		{"ACUMATICA_PASSWORD", "connection.acumatica.password", ""},
		{"ACUMATICA_CLIENT_ID", "connection.acumatica.client_id", "of the connected application; with it OAuth, without it cookie sign-in"},
		{"ACUMATICA_CLIENT_SECRET", "connection.acumatica.client_secret", ""},
		{"ACUMATICA_BRANCH", "connection.acumatica.branch", ""},
		{"ACUMATICA_TIMEOUT", "connection.acumatica.timeout", "of one request"},
		{"ACUMATICA_CONCURRENCY", "connection.acumatica.concurrency", "requests at once, of all processes together"},
		{"ACUMATICA_REQUESTS_PER_MINUTE", "connection.acumatica.requests_per_minute", "of all processes together; 0 is no limit; take half of the licence's"},
		{"ACUMATICA_PUSH_SECRET", "connection.acumatica.push_secrets", "header value that proves a push notification; several separated by commas"},
		{"ACUMATICA_PUSH_HEADER", "connection.acumatica.push_header", "header that carries it"},
		{"NATS_URL", "nats.url", "broker; without it `up` embeds one"},
		{"NATS_CREDS", "nats.creds", "path of a .creds file"},
		{"MILLRACE_NATS_LISTEN", "nats.listen", "embedded broker: host:port"},
		{"MILLRACE_DATA_DIR", "data_dir", "folder of the embedded broker"},
		{"MILLRACE_PARTITIONS", "partitions", "once the streams exist, as they have it: millrace repartition"},
		{"MILLRACE_INGEST_LISTEN", "ingest.listen", "webhook endpoint: host:port"},
		{"MILLRACE_INGEST_MAX_BODY", "ingest.max_body", "bytes"},
		{"MILLRACE_INGEST_MAX_AGE", "ingest.max_age", "of a signature, both ways"},
		{"MILLRACE_PUSH_LISTEN", "push.listen", "endpoint of Acumatica's push notifications: host:port"},
		{"MILLRACE_PUSH_MAX_BODY", "push.max_body", "bytes"},
		{"MILLRACE_OPS_LISTEN", "ops.listen", "probes and metrics: host:port, or off"},
		{"MILLRACE_TIME_ZONE", "connection.books.time_zone", "of the books, such as America/New_York"},
		{"MILLRACE_PAYMENT_METHOD", "connection.books.payment_method", "Acumatica payment method for Stripe charges"},
		{"MILLRACE_CASH_ACCOUNTS", "connection.books.cash_accounts", "clearing account per currency: USD=10250ST,EUR=10251ST"},
		{"MILLRACE_CLEARING", "connection.books.clearing", "ledger account behind each clearing cash account: USD=10250,EUR=10251"},
		{"MILLRACE_ACCOUNTS", "connection.books.accounts", "ledger accounts by name: fee=61000,bank.USD=10200; account/subaccount/branch"},
		{"MILLRACE_START", "connection.books.start", "what moved before this day is in the opening balance"},
		{"MILLRACE_OPENING", "connection.books.opening", "post or none"},
		{"MILLRACE_MODE", "connection.books.mode", "detailed or summary"},
		{"MILLRACE_SUMMARY_FROM", "connection.books.summary_from", "the day from which on the mode is summary"},
		{"MILLRACE_PAYOUTS", "connection.books.payouts", "automatic or manual"},
		{"MILLRACE_FEES", "connection.books.fees", "per_payout, per_transaction or payment_charges"},
		{"MILLRACE_FEE_ENTRY_TYPE", "connection.books.fee_entry_type", "of payment charges"},
		{"MILLRACE_REFUNDS", "connection.books.refunds", "ar_refund, credit_memo or journal"},
		{"MILLRACE_CLOSED_PERIOD", "connection.books.closed_period", "park or next_open"},
		{"MILLRACE_SWEEP_INTERVAL", "connection.stripe.sweep_interval", "how often missed events are looked for"},
		{"MILLRACE_SETTLE_DELAY", "connection.acumatica.settle_delay", "wait before searching after an uncertain write"},
		{"MILLRACE_SEND_INVOICES", "connection.invoices.send", "true: Stripe e-mails each new invoice to the customer"},
		{"MILLRACE_STOCK_ITEMS", "connection.items.stock", "true: stock items are products in Stripe"},
		{"MILLRACE_NON_STOCK_ITEMS", "connection.items.non_stock", "true: non-stock items are products in Stripe"},
		{"MILLRACE_ITEM_CURRENCY", "connection.items.currency", "base currency of the tenant, that of default prices; without it products have none"},
		{"MILLRACE_DEBIT_MEMOS", "connection.invoices.debit_memos", "true: debit memos can be paid in Stripe like invoices"},
		{"MILLRACE_POLL_INTERVAL", "connection.poll.interval", "between rounds while there are changes"},
		{"MILLRACE_POLL_QUIET_INTERVAL", "connection.poll.quiet_interval", "what it grows to while nothing changes"},
		{"MILLRACE_POLL_OVERLAP", "connection.poll.overlap", ""},
		{"MILLRACE_POLL_SETTLE", "connection.poll.settle", ""},
		{"MILLRACE_POLL_PAGE_SIZE", "connection.poll.page_size", ""},
		{"MILLRACE_POLL_FULL", "connection.poll.full", "how often everything is read, whatever its change time"},
		{"MILLRACE_POLL_SINCE", "connection.poll.since", "take only what changed since this day"},
	}
}

// fileOnly are variables whose content is a path already.
var fileOnly = map[string]bool{"NATS_CREDS": true, "MILLRACE_DATA_DIR": true}

func (l *loader) readEnv() {
	for _, x := range Variables() {
		value, name := l.src.Getenv(x.Name), x.Name
		if path := l.src.Getenv(x.Name + "_FILE"); path != "" {
			if fileOnly[x.Name] {
				l.problem(l.absolute(x.Path), x.Name+"_FILE", "set "+x.Name, "%s is a path already and has no _FILE form", x.Name)
				continue
			}
			if value != "" {
				l.problem(l.absolute(x.Path), x.Name, "unset one of the two", "%s and %s_FILE are both set", x.Name, x.Name)
				continue
			}
			var err error
			if value, err = readSecretFile(path); err != nil {
				l.problem(l.absolute(x.Path), x.Name+"_FILE", "", "%v", err)
				continue
			}
			name += "_FILE"
		}
		if value != "" {
			l.set(x.Path, value, Origin{"env", name})
		}
	}
}

func (l *loader) readFlags() {
	for _, f := range l.src.Flags {
		l.set(f.Path, f.Value, Origin{"flag", f.Name})
	}
}

// set sets one value by its path; "connection.…" is the default connection,
// which is made when there is none.
func (l *loader) set(path, text string, o Origin) {
	path = l.absolute(path)
	v, err := l.find(path)
	if err == nil {
		err = setText(v, text)
	}
	if err != nil {
		l.problem(path, o.Where, "", "%v", err)
		return
	}
	l.origins.of[path] = o
}

func (l *loader) absolute(path string) string {
	rest, ok := strings.CutPrefix(path, "connection.")
	if !ok {
		return path
	}
	if len(l.cfg.Connections) == 0 {
		l.cfg.Connections = []Connection{defaultConnection()}
	}
	return fmt.Sprintf("connections[%d].%s", l.cfg.defaultIndex(), rest)
}

// find returns the field at an absolute path.
func (l *loader) find(path string) (reflect.Value, error) {
	v := reflect.ValueOf(l.cfg).Elem()
	for part := range strings.SplitSeq(path, ".") {
		var index int
		if _, err := fmt.Sscanf(part, "connections[%d]", &index); err == nil {
			v = reflect.ValueOf(&l.cfg.Connections[index]).Elem()
			continue
		}
		field, ok := fieldOf(v, part)
		if !ok {
			return v, fmt.Errorf("no such setting: %s", path)
		}
		v = field
	}
	return v, nil
}

// pairsOf reads "k=v,k=v".
func pairsOf(text string) (map[string]string, error) {
	pairs := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, fmt.Errorf("%q is not a list such as USD=10250ST,EUR=10251ST", text)
		}
		pairs[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return pairs, nil
}

// setText is setScalar that also reads lists "a,b" and maps "k=v,k=v".
func setText(v reflect.Value, text string) error {
	switch v.Kind() { //nolint:exhaustive // every other kind is a scalar
	case reflect.Slice:
		out := reflect.MakeSlice(v.Type(), 0, 1)
		for part := range strings.SplitSeq(text, ",") {
			elem := reflect.New(v.Type().Elem()).Elem()
			if err := setScalar(elem, strings.TrimSpace(part)); err != nil {
				return err
			}
			out = reflect.Append(out, elem)
		}
		v.Set(out)
	case reflect.Map:
		pairs, err := pairsOf(text)
		if err != nil {
			return err
		}
		switch m := v.Addr().Interface().(type) {
		case *map[string]string:
			*m = pairs
		case *map[string]Account:
			*m = accountsOf(pairs)
		case *map[string]ByCurrency:
			*m = byCurrencyOf(pairs)
		}
	default:
		return setScalar(v, strings.TrimSpace(text))
	}
	return nil
}

// defaultIndex is the connection named "default", or else the first.
func (c *Config) defaultIndex() int {
	for i, x := range c.Connections {
		if x.Name == DefaultName {
			return i
		}
	}
	return 0
}

// Default returns the connection that needs no name on the command line: the
// one named "default", or else the first. false when there is none.
func (c *Config) Default() (Connection, bool) {
	if len(c.Connections) == 0 {
		return Connection{}, false
	}
	return c.Connections[c.defaultIndex()], true
}
