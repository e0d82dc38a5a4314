package stage

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	_ "time/tzdata" // flows compute days in the books' zone, also where the machine has no zone files

	"millrace/internal/basis"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/link"
	"millrace/internal/service"
	"millrace/transform/flow"
	"millrace/transform/flows"
)

// chargesSince is the first version of an endpoint whose payments have
// charges; an older one would leave them out without a word.
const chargesSince = "23.200.001"

// Service is the transform service: the shipped flows for every connection.
var Service = service.Service{Name: Name, Run: run}

func run(ctx context.Context, rt *service.Runtime) error {
	docs, err := flows.Load()
	if err != nil {
		return fmt.Errorf("load flows: %w", err)
	}
	connections := make(map[string]Connection, len(rt.Config.Connections))
	for _, c := range rt.Config.Connections {
		conn, err := connect(rt, c)
		if err != nil {
			return err
		}
		chosen, err := basis.Of(&c.Books)
		if err != nil {
			return fmt.Errorf("connection %s: %w", c.Name, err)
		}
		client, err := rt.Stripe(c)
		if err != nil {
			return err
		}
		conn.Basis = basis.New(basis.Options{
			Bucket: rt.Bus.Bucket(basis.BucketName), Service: Name, Connection: c.Name, Is: chosen, Livemode: c.Stripe.Livemode, Account: client.Account,
		}).Check
		rt.OnReady(Name+" books "+c.Name, conn.Basis)
		connections[c.Name] = conn
	}
	h := New(Options{Connections: connections, Flows: docs, Links: link.New(rt.Bus), Publisher: rt.Bus, Log: rt.Log})
	return rt.Bus.Run(ctx, bus.Stage{Name: Name, Stream: bus.Events, Connections: rt.Config.ConnectionNames(), Handle: h.Handle, Skip: h.Skip})
}

func connect(rt *service.Runtime, c config.Connection) (Connection, error) {
	stripe, err := rt.Stripe(c)
	if err != nil {
		return Connection{}, err
	}
	erp, err := rt.Acumatica(c)
	if err != nil {
		return Connection{}, err
	}
	conn := Connection{
		Livemode: c.Stripe.Livemode,
		Books: flow.Books{
			TimeZone: c.Books.TimeZone, PaymentMethod: c.Books.PaymentMethod, CashAccounts: c.Books.CashAccounts, SendInvoices: c.Invoices.Send,
			StockItems: c.Items.Stock, NonStockItems: c.Items.NonStock, ItemCurrency: c.Items.Currency,
			DebitMemos: c.Invoices.DebitMemos, AcumaticaPage: formsOf(c.Acumatica),
			MatchBy: c.Customers.Match, KeepEmpty: c.Customers.KeepEmpty, TaxIDTypes: c.Customers.TaxIDs,
		},
		Stripe: stripe, Acumatica: erp,
	}
	conn.Books.InvoiceBack = writeBack(c.Invoices.WriteBack.Note, c.Invoices.WriteBack.Fields.Chosen())
	conn.Books.CustomerBack = writeBack(c.Customers.WriteBack.Note, c.Customers.WriteBack.Fields.Chosen())
	if !c.Books.Settles() {
		return conn, nil
	}
	if _, version, _ := strings.Cut(c.Acumatica.Endpoint, "/"); c.Books.Fees == string(ledger.FeesOnPayments) && version < chargesSince {
		return Connection{}, fault.Newf("config.invalid", "connection %s: books.fees: %s needs an endpoint of %s or later, not %s",
			c.Name, c.Books.Fees, chargesSince, c.Acumatica.Endpoint)
	}
	rules, err := c.Books.Rules()
	if err != nil {
		return Connection{}, fmt.Errorf("connection %s: %w", c.Name, err)
	}
	conn.Rules, conn.Movements = &rules, stripe
	conn.Books.Settlement = settlement(c.Books, rules)
	return conn, nil
}

// formsOf is where people find the forms of the tenant, up to the form.
func formsOf(a config.Acumatica) string {
	page := strings.TrimRight(a.URL, "/") + "/Main?"
	if a.Tenant != "" {
		page += "CompanyID=" + url.QueryEscape(a.Tenant) + "&"
	}
	return page
}

// writeBack is nil where nothing is chosen.
func writeBack(note bool, fields map[string]string) *flow.WriteBack {
	if !note && len(fields) == 0 {
		return nil
	}
	return &flow.WriteBack{Note: note, Fields: fields}
}

// settlement is what flows may look at of the posting rules, with defaults for
// what is not configured.
func settlement(b config.Books, rules ledger.Rules) *flow.Settlement {
	s := &flow.Settlement{
		Payouts:      cmp.Or(b.Payouts, config.PayoutsAutomatic),
		Fees:         cmp.Or(b.Fees, string(ledger.FeesPerPayout)),
		FeeEntryType: b.FeeEntryType,
		Refunds:      cmp.Or(b.Refunds, string(ledger.RefundDocument)),
		Accounts:     rules.Accounts,
	}
	if !rules.Start.IsZero() {
		s.Start = rules.Start.Unix()
	}
	switch {
	case rules.Mode == ledger.Summary:
		s.SummaryFrom = new(int64) // from the first movement on
	case !rules.SummaryFrom.IsZero():
		s.SummaryFrom = new(rules.SummaryFrom.Unix())
	}
	return s
}
