package stripeapi

import (
	"context"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
	"millrace/schemas"
)

// Customer is what we need to know of a Stripe customer.
type Customer struct {
	ID       string // cus_…
	Name     string
	Email    string
	Metadata map[string]string
	Phone    string
	Deleted  bool
	Created  time.Time
	TaxIDs   []TaxID // the newest ten; of one that was read by its id
	// TaxIDsHidden says that the key may not read them.
	TaxIDsHidden bool
}

// pageSize is the largest page. (Stripe: "Pagination", limit 1 to 100.)
const pageSize = 100

// CreateCustomer creates a customer under the idempotency key.
func (c *Client) CreateCustomer(ctx context.Context, key string, f schemas.StripeCustomer) (Customer, error) {
	return c.writeCustomer(ctx, "create customer", key, f, func(p *stripe.CustomerParams) (*stripe.Customer, error) {
		p.Address = addressParams(f.Address, false)
		return c.api.Customers.New(p)
	})
}

// UpdateCustomer makes the customer what f says: a field that is empty there is
// emptied, unless f keeps such fields; an address replaces the whole address.
// Metadata are merged, and an empty value takes its key away.
func (c *Client) UpdateCustomer(ctx context.Context, key, id string, f schemas.StripeCustomer) (Customer, error) {
	if id == "" {
		return Customer{}, errNoID("update customer")
	}
	return c.writeCustomer(ctx, "update customer "+id, key, f, func(p *stripe.CustomerParams) (*stripe.Customer, error) {
		p.Address = addressParams(f.Address, true)
		if !f.KeepEmpty {
			p.Email, p.Phone = new(f.Email), new(f.Phone)
			if f.Address == nil {
				p.AddExtra("address", "")
			}
			if f.Shipping == nil {
				p.AddExtra("shipping", "")
			}
		}
		return c.api.Customers.Update(id, p)
	})
}

// GetCustomer reads one customer. A deleted one is an answer, not an error. Where
// the key may not read tax ids, it is read without them.
func (c *Client) GetCustomer(ctx context.Context, id string) (Customer, error) {
	what := "get customer " + id
	if id == "" {
		return Customer{}, errNoID(what)
	}
	var got *stripe.Customer
	read := func(expand ...string) error {
		return c.do(ctx, what, func(ctx context.Context) error {
			var err error
			p := &stripe.CustomerParams{Params: stripe.Params{Context: ctx}}
			for _, member := range expand {
				p.AddExpand(member)
			}
			got, err = c.api.Customers.Get(id, p)
			return err
		})
	}
	err := read("tax_ids")
	hidden := err != nil && fault.Of(err).Code == "stripe.permission"
	if hidden {
		err = read()
	}
	if err != nil {
		return Customer{}, err
	}
	customer, err := c.customer(what, got)
	customer.TaxIDsHidden = hidden
	return customer, err
}

// AnnotateCustomer merges metadata into a customer and changes nothing else.
func (c *Client) AnnotateCustomer(ctx context.Context, key, id string, metadata map[string]string) (Customer, error) {
	return c.UpdateCustomer(ctx, key, id, schemas.StripeCustomer{Metadata: metadata, KeepEmpty: true})
}

func (c *Client) writeCustomer(ctx context.Context, what, key string, f schemas.StripeCustomer,
	send func(*stripe.CustomerParams) (*stripe.Customer, error),
) (Customer, error) {
	params, err := writeParams(what, key)
	if err != nil {
		return Customer{}, err
	}
	p := &stripe.CustomerParams{Params: params, Name: text(f.Name), Email: text(f.Email), Phone: text(f.Phone), Metadata: f.Metadata}
	if s := f.Shipping; s != nil {
		p.Shipping = &stripe.CustomerShippingParams{Name: new(s.Name), Phone: text(s.Phone), Address: addressParams(s.Address, true)}
	}
	var got *stripe.Customer
	err = c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		var err error
		got, err = send(p)
		return err
	})
	if err != nil {
		return Customer{}, err
	}
	return c.customer(what, got)
}

// ListCustomers returns the customers created at since or later, newest
// first; what was written is there at once, unlike in a search.
func (c *Client) ListCustomers(ctx context.Context, since time.Time) ([]Customer, error) {
	const what = "list customers"
	var all []Customer
	err := c.do(ctx, what, func(ctx context.Context) error {
		p := &stripe.CustomerListParams{ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(pageSize)}}
		if !since.IsZero() {
			p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
		}
		list := c.api.Customers.List(p)
		for list.Next() {
			got, err := c.customer(what, list.Customer())
			if err != nil {
				return err
			}
			all = append(all, got)
		}
		return list.Err()
	})
	return all, err
}

// SearchCustomers returns the customers that carry any of the tags. What was
// written in the last minute may be missing. (Stripe: "Search", data freshness.)
func (c *Client) SearchCustomers(ctx context.Context, tags ...Tag) ([]Customer, error) {
	return c.searchCustomers(ctx, anyTag(tags))
}

// SearchCustomersBy returns the customers whose own field, email or name, has
// the words of the value; case does not count, and there may be more words.
func (c *Client) SearchCustomersBy(ctx context.Context, field, value string) ([]Customer, error) {
	return c.searchCustomers(ctx, field+":'"+quoted(value)+"'")
}

func (c *Client) searchCustomers(ctx context.Context, query string) ([]Customer, error) {
	const what = "search customers"
	var all []Customer
	err := c.do(ctx, what, func(ctx context.Context) error {
		hits := c.api.Customers.Search(&stripe.CustomerSearchParams{
			SearchParams: stripe.SearchParams{Context: ctx, Limit: stripe.Int64(pageSize), Query: query},
		})
		for hits.Next() {
			got, err := c.customer(what, hits.Customer())
			if err != nil {
				return err
			}
			all = append(all, got)
		}
		return hits.Err()
	})
	return all, err
}

func (c *Client) customer(what string, x *stripe.Customer) (Customer, error) {
	if err := checkAnswer(what, "customer", x.Object, x.ID); err != nil {
		return Customer{}, err
	}
	if !x.Deleted {
		if err := c.checkMode(what, x.Livemode); err != nil {
			return Customer{}, err
		}
	}
	got := Customer{
		ID: x.ID, Name: x.Name, Email: x.Email, Phone: x.Phone, Metadata: x.Metadata, Deleted: x.Deleted, Created: time.Unix(x.Created, 0),
	}
	if x.TaxIDs != nil {
		for _, t := range x.TaxIDs.Data {
			got.TaxIDs = append(got.TaxIDs, taxIDOf(t))
		}
	}
	return got, nil
}

// addressParams sends every part of an address when it replaces another one,
// because an empty part clears the old one.
func addressParams(a *schemas.StripeAddress, replace bool) *stripe.AddressParams {
	if a == nil {
		return nil
	}
	part := text
	if replace {
		part = stripe.String
	}
	return &stripe.AddressParams{
		Line1: part(a.Line1), Line2: part(a.Line2), City: part(a.City),
		State: part(a.State), PostalCode: part(a.PostalCode), Country: part(a.Country),
	}
}

// searchParams asks for exact equality of one metadata value.
func searchParams(ctx context.Context, key, value string) stripe.SearchParams {
	return stripe.SearchParams{Context: ctx, Limit: stripe.Int64(pageSize), Query: anyTag([]Tag{{key, value}})}
}

// anyTag is the search query of what carries any of the tags.
func anyTag(tags []Tag) string {
	clauses := make([]string, len(tags))
	for i, t := range tags {
		clauses[i] = "metadata['" + quoted(t.Key) + "']:'" + quoted(t.Value) + "'"
	}
	return strings.Join(clauses, " OR ")
}

// quoted is a text between quotes of a search query. (Stripe: "Search query
// language"; quotes are escaped by a backslash.)
func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }

// writeParams carries the idempotency key, without which nothing is written
// (Invariant 2).
func writeParams(what, key string) (stripe.Params, error) {
	if key == "" || len(key) > 255 {
		return stripe.Params{}, fault.Newf("stripe.fields_invalid", "%s: idempotency key of %d characters", what, len(key))
	}
	return stripe.Params{IdempotencyKey: new(key)}, nil
}

func errNoID(what string) error { return fault.Newf("stripe.fields_invalid", "%s: no id", what) }

// text is a parameter that is not sent when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
