// Package config is the configuration of an installation: what it holds, where
// each value came from, and everything that is wrong with it at once.
package config

import "time"

// Config is one installation. Every secret is of type Secret, so that
// printing a Config never shows one (Invariant 9).
type Config struct {
	Connections []Connection `yaml:"connections"`
	NATS        NATS         `yaml:"nats"`
	Ingest      Ingest       `yaml:"ingest"`
	Push        Push         `yaml:"push"`
	Ops         Ops          `yaml:"ops"`
	DataDir     string       `yaml:"data_dir"`
	Partitions  int          `yaml:"partitions"` // default 32; once the streams exist, as they have it
}

// Secret is a credential. It prints as "***" in every form.
type Secret string

func (Secret) String() string { return "***" }

// GoString masks the credential in %#v.
func (Secret) GoString() string { return "***" }

// MarshalText masks the credential in JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Reveal returns the credential itself, for the client that needs it.
func (s Secret) Reveal() string { return string(s) }

// Connection is one Stripe account paired with one Acumatica tenant.
type Connection struct {
	Name      string    `yaml:"name"` // "default" is the one that needs no name on the command line
	Stripe    Stripe    `yaml:"stripe"`
	Acumatica Acumatica `yaml:"acumatica"`
	Books     Books     `yaml:"books"`
	Customers Customers `yaml:"customers"`
	Invoices  Invoices  `yaml:"invoices"`
	Items     Items     `yaml:"items"`
	Poll      Poll      `yaml:"poll"`
}

// Stripe is the Stripe side of a connection.
type Stripe struct {
	APIKey         Secret   `yaml:"api_key"`
	APIBase        string   `yaml:"api_base"`        // default https://api.stripe.com
	WebhookSecrets []Secret `yaml:"webhook_secrets"` // several while a secret is rolled
	Livemode       bool     `yaml:"livemode"`        // derived from the key (…_live_…) unless set
	// SweepInterval is how often Stripe's list of events is read for those that
	// no webhook brought; default 1m.
	SweepInterval time.Duration `yaml:"sweep_interval"`
	// RequestsPerSecond is how many requests all processes of the installation
	// send to Stripe in any second; default 20, 0: no limit.
	RequestsPerSecond int `yaml:"requests_per_second"`
}

// Acumatica is the ERP side of a connection.
type Acumatica struct {
	URL          string        `yaml:"url"` // https://host[/site]
	Tenant       string        `yaml:"tenant"`
	Endpoint     string        `yaml:"endpoint"` // Default/24.200.001
	Username     string        `yaml:"username"`
	Password     Secret        `yaml:"password"`
	ClientID     string        `yaml:"client_id"` // with it: OAuth password grant; without: cookie login
	ClientSecret Secret        `yaml:"client_secret"`
	Branch       string        `yaml:"branch"`
	Timeout      time.Duration `yaml:"timeout"`      // of one request; default 11m, because Acumatica queues up to 10
	SettleDelay  time.Duration `yaml:"settle_delay"` // wait before searching after an uncertain write; default 30s
	Concurrency  int           `yaml:"concurrency"`  // requests at once, of all processes of the installation; default 2
	// PushSecrets are values of PushHeader, any of which proves a push
	// notification; several while one is replaced.
	PushSecrets []Secret `yaml:"push_secrets"`
	PushHeader  string   `yaml:"push_header"` // default X-Millrace-Secret
	// RequestsPerMinute is how many requests all processes of the installation
	// send in any minute; default 0: no limit of ours.
	RequestsPerMinute int `yaml:"requests_per_minute"`
}

// Books says where money lands in the ledger.
type Books struct {
	TimeZone      string            `yaml:"time_zone"`      // IANA; default UTC
	PaymentMethod string            `yaml:"payment_method"` // Acumatica payment method for Stripe charges
	CashAccounts  map[string]string `yaml:"cash_accounts"`  // settlement currency (upper case) → clearing cash account

	// Start is the day from which on movements are ours; what was before is in
	// the opening balance. Zero: everything is ours.
	Start   time.Time `yaml:"start"`
	Opening string    `yaml:"opening"` // post (default) or none
	Mode    string    `yaml:"mode"`    // detailed (default) or summary
	// SummaryFrom is the day from which on the mode is summary.
	SummaryFrom  time.Time `yaml:"summary_from"`
	Payouts      string    `yaml:"payouts"`        // automatic (default) or manual
	Fees         string    `yaml:"fees"`           // per_payout (default), per_transaction or payment_charges
	FeeEntryType string    `yaml:"fee_entry_type"` // of payment charges
	// WriteOffLimit is what of a difference may be written off at most, a
	// decimal in the currency of the statement; default 1.00, 0 for nothing.
	WriteOffLimit string `yaml:"write_off_limit"`
	// Refunds is ar_refund (default), credit_memo or journal. A payment that is
	// applied in full has nothing to refund: ar_refund makes a credit memo too.
	Refunds      string `yaml:"refunds"`
	ClosedPeriod string `yaml:"closed_period"` // park (default) or next_open
	// Clearing has, by currency, the ledger account behind the clearing cash
	// account.
	Clearing map[string]Account `yaml:"clearing"`
	// Accounts has an account for each name that the posting rules use; see
	// docs/accounting.md. Without it and Clearing nothing is settled.
	Accounts map[string]ByCurrency `yaml:"accounts"`
}

// Customers says how Stripe shows the customers of Acumatica; see
// docs/customers.md.
type Customers struct {
	// Match has the fields, email and name, in all of which a Stripe customer
	// that nobody has linked must agree to be taken for one of Acumatica; default
	// none: a new one is made.
	Match     []string `yaml:"match"`
	KeepEmpty bool     `yaml:"keep_empty"` // what is empty in Acumatica stays as it is in Stripe; default no: it is emptied
	// TaxIDs has Stripe's type of tax ids by country, such as CA: ca_gst_hst, or
	// none; other countries have Stripe's usual type.
	TaxIDs    map[string]string `yaml:"tax_ids"`
	WriteBack CustomerBack      `yaml:"write_back"` // what of Stripe is seen in Acumatica; default nothing
}

// Invoices says how Stripe shows the invoices of Acumatica.
type Invoices struct {
	Send       bool        `yaml:"send"`        // Stripe e-mails each new invoice to the customer; default no
	DebitMemos bool        `yaml:"debit_memos"` // debit memos are shown like invoices; default no
	WriteBack  InvoiceBack `yaml:"write_back"`  // what of Stripe is seen in Acumatica; default nothing
}

// Items says which items of Acumatica are products in Stripe; by default none.
type Items struct {
	Stock    bool `yaml:"stock"`
	NonStock bool `yaml:"non_stock"`
	// Currency is that of the default prices, the base currency of the tenant,
	// upper case. Empty: products have no prices of ours.
	Currency string `yaml:"currency"`
}

// Mirrored reports whether any items are products in Stripe.
func (i Items) Mirrored() bool { return i.Stock || i.NonStock }

// Poll says how Acumatica is polled.
type Poll struct {
	Interval time.Duration `yaml:"interval"` // between rounds while there are changes; default 15s
	// QuietInterval is what the interval grows to while nothing changes;
	// default 1m, not more than the interval: it stays the same.
	QuietInterval time.Duration `yaml:"quiet_interval"`
	Overlap       time.Duration `yaml:"overlap"`   // windows overlap by this much; default 2m
	Settle        time.Duration `yaml:"settle"`    // the window ends this long before the server's now; default 2s
	PageSize      int           `yaml:"page_size"` // rows of a list at most; default 1000
	Full          time.Duration `yaml:"full"`      // how often everything that should be in Stripe is read, whatever its change time; default 24h, 0 never
	Since         time.Time     `yaml:"since"`     // take only what changed since; zero: all customers and every open invoice
}

// NATS says which broker to use. Without URL the process embeds one.
type NATS struct {
	URL    string `yaml:"url"`
	Creds  string `yaml:"creds"`  // path of a .creds file
	Listen string `yaml:"listen"` // embedded: host:port for other processes on this machine; default 127.0.0.1:0
}

// Ingest is the webhook endpoint.
type Ingest struct {
	Listen  string        `yaml:"listen"`   // default 127.0.0.1:8080
	MaxBody int64         `yaml:"max_body"` // bytes; default 512 KiB
	MaxAge  time.Duration `yaml:"max_age"`  // signature age, both ways; default 5m
}

// Push is the endpoint of Acumatica's push notifications, which make the poller
// look sooner.
type Push struct {
	Listen  string `yaml:"listen"`   // host:port; default empty: none
	MaxBody int64  `yaml:"max_body"` // bytes; default 1 MiB
}

// Ops is the port for probes and metrics.
type Ops struct {
	Listen string `yaml:"listen"` // default 127.0.0.1:9090; empty disables
}

// Connection returns the connection of that name.
func (c *Config) Connection(name string) (Connection, bool) {
	for _, x := range c.Connections {
		if x.Name == name {
			return x, true
		}
	}
	return Connection{}, false
}

// ConnectionNames lists the names in order.
func (c *Config) ConnectionNames() []string {
	names := make([]string, len(c.Connections))
	for i, x := range c.Connections {
		names[i] = x.Name
	}
	return names
}
