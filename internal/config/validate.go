package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"millrace/internal/money"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Path    string `json:"path"`            // "connections[0].acumatica.endpoint"; empty: the file as a whole
	Where   string `json:"where,omitempty"` // "millrace.yaml:12:5", "ACUMATICA_ENDPOINT"; empty: not set anywhere
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"` // the services start all the same
	Note    bool   `json:"note,omitempty"`    // good to know, nothing is wrong
}

func (p Problem) String() string {
	var parts []string
	switch {
	case p.Note:
		parts = append(parts, "note")
	case p.Warning:
		parts = append(parts, "warning")
	}
	for _, s := range []string{p.Where, p.Path, p.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	text := strings.Join(parts, ": ")
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// Problems are all that is wrong, in the order of the configuration.
type Problems []Problem

// Fatal are the problems that the services do not start with.
func (p Problems) Fatal() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(x Problem) bool { return x.Warning || x.Note })
}

// Warnings are the problems that the services start with all the same.
func (p Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(x Problem) bool { return !x.Warning })
}

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = x.String()
	}
	return strings.Join(lines, "; ")
}

// Services lists the names of the services, in the order of the pipeline.
func Services() []string {
	return []string{"ingest", "sweep", "source-acumatica", "transform", "sink-acumatica", "sink-stripe"}
}

// Which services talk to which system, and so need its credentials.
func needsStripeKey(service string) bool {
	return service == "sweep" || service == "transform" || service == "sink-stripe"
}

func needsAcumatica(service string) bool {
	return service != "ingest" && service != "sweep" && service != "sink-stripe"
}

type validator struct {
	cfg      *Config
	origins  Origins
	services []string
	problems Problems
}

// Validate finds everything in the configuration that does not make sense for
// the given services; without any, for all of them.
func Validate(c *Config, o Origins, services ...string) Problems {
	if len(services) == 0 {
		services = Services()
	}
	v := &validator{cfg: c, origins: o, services: services}
	v.installation()
	if len(c.Connections) == 0 {
		v.add("connections", "set STRIPE_API_KEY, ACUMATICA_URL and so on, or write a file: millrace config init", "none is configured")
	}
	for i, conn := range c.Connections {
		v.connection(i, conn)
	}
	return v.problems
}

// add reports a problem at a path.
func (v *validator) add(path, hint, format string, args ...any) {
	v.problems = append(v.problems, Problem{
		Path: path, Where: v.origins.Of(path).Where, Hint: hint, Message: fmt.Sprintf(format, args...),
	})
}

// warn reports something that does not keep the services from starting.
func (v *validator) warn(path, hint, message string) {
	v.problems = append(v.problems, Problem{Path: path, Where: v.origins.Of(path).Where, Hint: hint, Message: message, Warning: true})
}

// note reports something that is good to know.
func (v *validator) note(path, hint, message string) {
	v.problems = append(v.problems, Problem{Path: path, Where: v.origins.Of(path).Where, Hint: hint, Message: message, Note: true})
}

// need reports a missing value when one of the services needs it; hint names
// its environment variable.
func (v *validator) need(value, path string, by func(string) bool) {
	if value != "" || !slices.ContainsFunc(v.services, by) {
		return
	}
	hint := "set it in the file"
	rel := path[strings.Index(path, ".")+1:]
	for _, x := range Variables() {
		if x.Path == "connection."+rel {
			hint = "set " + x.Name
			if x.Help != "" {
				hint += ": " + x.Help
			}
		}
	}
	v.add(path, hint, "required by %s", strings.Join(filter(v.services, by), ", "))
}

func filter(in []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(in), func(s string) bool { return !keep(s) })
}

func (v *validator) runs(service string) bool { return slices.Contains(v.services, service) }

func (v *validator) installation() {
	c := v.cfg
	for s := range strings.SplitSeq(c.NATS.URL, ",") {
		if s == "" {
			continue
		}
		if u, err := url.Parse(strings.TrimSpace(s)); err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			v.add("nats.url", "such as nats://host:4222", "not a NATS URL")
		}
	}
	v.listen("nats.listen", c.NATS.Listen)
	if v.runs("ingest") {
		v.listen("ingest.listen", c.Ingest.Listen)
		v.positive("ingest.max_body", c.Ingest.MaxBody)
		v.positive("ingest.max_age", int64(c.Ingest.MaxAge))
	}
	if v.runs("source-acumatica") && c.Push.Listen != "" {
		v.listen("push.listen", c.Push.Listen)
		v.positive("push.max_body", c.Push.MaxBody)
	}
	if c.Ops.Listen != "" {
		v.listen("ops.listen", c.Ops.Listen)
	}
	if c.Partitions < 1 || c.Partitions > 1024 {
		v.add("partitions", "", "%d is not between 1 and 1024", c.Partitions)
	}
}

func (v *validator) listen(path, addr string) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		v.add(path, "such as 127.0.0.1:8080, or :0 for a free port", "%q is not host:port", addr)
	}
}

func (v *validator) positive(path string, n int64) {
	if n <= 0 {
		v.add(path, "", "must be positive")
	}
}

func (v *validator) notNegative(path string, n int64) {
	if n < 0 {
		v.add(path, "0 is no limit", "must not be negative")
	}
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

func (v *validator) connection(i int, c Connection) {
	path := fmt.Sprintf("connections[%d]", i)
	if !nameForm.MatchString(c.Name) {
		v.add(path+".name", "lower-case letters, digits, - and _, at most 32", "%q is not a name", c.Name)
	}
	for j, other := range v.cfg.Connections[:i] {
		if other.Name == c.Name {
			v.add(path+".name", "", "%q is the name of connections[%d] already", c.Name, j)
		}
		if c.Stripe.APIKey != "" && other.Stripe.APIKey == c.Stripe.APIKey {
			v.add(path+".stripe.api_key", "one connection per Stripe account", "connections[%d] has the same key", j)
		}
	}
	v.stripe(path+".stripe", c.Stripe)
	if slices.ContainsFunc(v.services, needsAcumatica) {
		v.acumatica(path+".acumatica", c.Acumatica)
	}
	if v.runs("transform") {
		v.books(path+".books", c.Books)
		v.writeBack(path+".invoices", c.Invoices.WriteBack.Fields.Chosen())
		v.writeBack(path+".customers", c.Customers.WriteBack.Fields.Chosen())
		v.items(path+".items", c.Items)
		v.customers(path+".customers", c.Customers)
	}
	if v.runs("sweep") {
		v.positive(path+".stripe.sweep_interval", int64(c.Stripe.SweepInterval))
	}
	if v.runs("source-acumatica") {
		v.push(path+".acumatica", c.Acumatica)
		v.positive(path+".poll.interval", int64(c.Poll.Interval))
		v.positive(path+".poll.page_size", int64(c.Poll.PageSize))
		if c.Poll.QuietInterval < 0 || c.Poll.Overlap < 0 || c.Poll.Settle < 0 || c.Poll.Full < 0 {
			v.add(path+".poll", "", "quiet_interval, overlap, settle and full must not be negative")
		}
	}
}

func (v *validator) stripe(path string, s Stripe) {
	key := s.APIKey.Reveal()
	v.need(key, path+".api_key", needsStripeKey)
	switch {
	case strings.HasPrefix(key, "pk_"):
		v.add(path+".api_key", "use the secret key (sk_…) or a restricted one (rk_…)", "this is the publishable key")
	case strings.HasPrefix(key, "whsec_"):
		v.add(path+".api_key", "it belongs into webhook_secrets", "this is a webhook signing secret")
	}
	live, test := strings.Contains(key, "_live_"), strings.Contains(key, "_test_")
	if live && !s.Livemode || test && s.Livemode {
		v.add(path+".livemode", "remove it: it follows from the key", "livemode is %v but the key is for %s mode", s.Livemode, map[bool]string{true: "live", false: "test"}[live])
	}
	v.baseURL(path+".api_base", s.APIBase)
	v.notNegative(path+".requests_per_second", int64(s.RequestsPerSecond))
	if !v.runs("ingest") {
		return
	}
	if len(s.WebhookSecrets) == 0 {
		v.need("", path+".webhook_secrets", func(s string) bool { return s == "ingest" })
	}
	for i, secret := range s.WebhookSecrets {
		if secret == "" {
			v.add(fmt.Sprintf("%s.webhook_secrets[%d]", path, i), "", "is empty")
		}
	}
}

func (v *validator) baseURL(path, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		v.add(path, "such as https://host/path", "not an absolute http or https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.add(path, "", "must not hold credentials, a query or a fragment")
	}
}

// contract4 are the versions of the Default endpoint with contract version 4
// that Millrace supports. Acumatica: the Default endpoint is versioned with
// the release that changed it.
var contract4 = []string{"22.200.001", "23.200.001", "24.200.001", "25.200.001"}

var endpointForm = regexp.MustCompile(`^[^/\s]+/\d+\.\d+\.\d+$`)

func (v *validator) acumatica(path string, a Acumatica) {
	v.need(a.URL, path+".url", needsAcumatica)
	if a.URL != "" {
		v.baseURL(path+".url", a.URL)
	}
	v.need(a.Username, path+".username", needsAcumatica)
	v.need(a.Password.Reveal(), path+".password", needsAcumatica)
	if (a.ClientID == "") != (a.ClientSecret == "") {
		v.add(path+".client_id", "set both for OAuth, none for cookie sign-in", "client_id and client_secret go together")
	}
	name, version, _ := strings.Cut(a.Endpoint, "/")
	switch {
	case !endpointForm.MatchString(a.Endpoint):
		v.add(path+".endpoint", "such as "+defaultEndpoint, "%q is not <name>/<version>", a.Endpoint)
	case name == "Default" && !slices.Contains(contract4, version):
		v.add(path+".endpoint", "use one of "+strings.Join(contract4, ", ")+", or a custom endpoint that extends one",
			"version %s of Default is not one with contract version 4 that is supported", version)
	}
	v.positive(path+".timeout", int64(a.Timeout))
	v.positive(path+".concurrency", int64(a.Concurrency))
	v.notNegative(path+".requests_per_minute", int64(a.RequestsPerMinute))
	if a.SettleDelay < 0 {
		v.add(path+".settle_delay", "", "must not be negative")
	}
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

func (v *validator) books(path string, b Books) {
	if _, err := time.LoadLocation(b.TimeZone); err != nil || b.TimeZone == "" || b.TimeZone == "Local" {
		v.add(path+".time_zone", "an IANA name such as America/New_York", "%q is not a time zone", b.TimeZone)
	}
	// Customers and invoices flow without these; payments are parked until they
	// are there.
	const parked = "until it is set, payments are parked: set "
	if b.PaymentMethod == "" {
		v.warn(path+".payment_method", parked+"MILLRACE_PAYMENT_METHOD to Acumatica's payment method for Stripe charges", "no payment can be posted")
	}
	if len(b.CashAccounts) == 0 {
		v.warn(path+".cash_accounts", parked+"MILLRACE_CASH_ACCOUNTS to the clearing account of each currency: USD=10250ST,EUR=10251ST", "no payment can be posted")
	}
	for currency, account := range b.CashAccounts {
		v.currency(path+".cash_accounts", currency)
		if account == "" {
			v.add(path+".cash_accounts", "the clearing account of that currency", "%s has no cash account", currency)
		}
	}
	v.settlement(path, &b)
}

// currency checks one. Which of them can move money is one table.
func (v *validator) currency(path, currency string) {
	if _, err := money.Exponent(currency); err != nil || !currencyForm.MatchString(currency) {
		v.add(path, "three upper-case letters of a currency that Stripe has, such as USD", "%q is not a currency", currency)
	}
}

func (v *validator) items(path string, i Items) {
	if i.Currency != "" {
		v.currency(path+".currency", i.Currency)
	}
	if i.Currency != "" && !i.Mirrored() {
		v.warn(path+".currency", "set items.stock or items.non_stock to true", "no items are products in Stripe")
	}
}

// push: without a listener nothing of it is used.
func (v *validator) push(path string, a Acumatica) {
	if v.cfg.Push.Listen == "" {
		return
	}
	if len(a.PushSecrets) == 0 {
		v.warn(path+".push_secrets", "set ACUMATICA_PUSH_SECRET", "without a secret its push notifications are refused; it is polled all the same")
	}
	for i, secret := range a.PushSecrets {
		if secret == "" {
			v.add(fmt.Sprintf("%s.push_secrets[%d]", path, i), "", "is empty")
		}
	}
	if strings.TrimSpace(a.PushHeader) == "" || strings.ContainsAny(a.PushHeader, " :\t") {
		v.add(path+".push_header", "such as "+defaultPushHeader, "%q is not the name of a header", a.PushHeader)
	}
}
