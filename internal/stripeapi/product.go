package stripeapi

import (
	"context"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
	"millrace/schemas"
)

// Product is what we need to know of a Stripe product.
type Product struct {
	ID        string // prod_…
	Name      string
	UnitLabel string
	Active    bool
	Metadata  map[string]string
	Default   *Price // what a unit costs unless said otherwise; nil: nothing is set
	Created   time.Time
}

// productAnswer is a product as Stripe renders it, with its default price. The
// library's own type has amounts as floats (Invariant 6).
type productAnswer struct {
	stripe.APIResource
	ID        string            `json:"id"`
	Object    string            `json:"object"`
	Name      string            `json:"name"`
	UnitLabel string            `json:"unit_label"`
	Active    bool              `json:"active"`
	Metadata  map[string]string `json:"metadata"`
	Default   *priceAnswer      `json:"default_price"`
	Created   int64             `json:"created"`
	Livemode  bool              `json:"livemode"`
}

// productParams are those of every request about one product.
type productParams struct {
	stripe.Params `form:"*"`
	Name          *string           `form:"name"`
	Active        *bool             `form:"active"`
	UnitLabel     *string           `form:"unit_label"`
	DefaultPrice  *string           `form:"default_price"`
	Metadata      map[string]string `form:"metadata"`
	Expand        []*string         `form:"expand"`
}

const productsPath = "/v1/products"

// CreateProduct creates a product without a price under the idempotency key.
func (c *Client) CreateProduct(ctx context.Context, key string, f schemas.StripeProduct) (Product, error) {
	return c.writeProduct(ctx, "create product", key, productsPath,
		&productParams{Name: text(f.Name), Active: new(f.Active), UnitLabel: text(f.UnitLabel), Metadata: f.Metadata})
}

// UpdateProduct makes a product what f says, but for its price; metadata are
// merged.
func (c *Client) UpdateProduct(ctx context.Context, key, id string, f schemas.StripeProduct) (Product, error) {
	what := "update product " + id
	if id == "" {
		return Product{}, errNoID(what)
	}
	return c.writeProduct(ctx, what, key, stripe.FormatURLPath(productsPath+"/%s", id),
		&productParams{Name: text(f.Name), Active: new(f.Active), UnitLabel: new(f.UnitLabel), Metadata: f.Metadata})
}

// SetDefaultPrice sets what a unit of the product costs; no price unsets it.
func (c *Client) SetDefaultPrice(ctx context.Context, key, product, price string) (Product, error) {
	what := "set the default price of product " + product
	if product == "" {
		return Product{}, errNoID(what)
	}
	return c.writeProduct(ctx, what, key, stripe.FormatURLPath(productsPath+"/%s", product), &productParams{DefaultPrice: new(price)})
}

// GetProduct reads one product with its default price. A deleted one is
// stripe.not_found.
func (c *Client) GetProduct(ctx context.Context, id string) (Product, error) {
	what := "get product " + id
	if id == "" {
		return Product{}, errNoID(what)
	}
	return c.callProduct(ctx, what, http.MethodGet, stripe.FormatURLPath(productsPath+"/%s", id), &productParams{})
}

func (c *Client) writeProduct(ctx context.Context, what, key, path string, p *productParams) (Product, error) {
	var err error
	if p.Params, err = writeParams(what, key); err != nil {
		return Product{}, err
	}
	return c.callProduct(ctx, what, http.MethodPost, path, p)
}

func (c *Client) callProduct(ctx context.Context, what, method, path string, p *productParams) (Product, error) {
	p.Expand = stripe.StringSlice([]string{"default_price"})
	var got productAnswer
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(method, path, c.key, p, &got)
	})
	if err != nil {
		return Product{}, err
	}
	return c.product(what, &got)
}

// productQuery are the parameters of a page of products, listed or searched.
type productQuery struct {
	stripe.Params `form:"*"`
	Limit         int                      `form:"limit"`
	Created       *stripe.RangeQueryParams `form:"created"`
	StartingAfter *string                  `form:"starting_after"`
	Query         *string                  `form:"query"`
	Page          *string                  `form:"page"`
	Expand        []*string                `form:"expand"`
}

type productPage struct {
	stripe.APIResource
	Object   string          `json:"object"`
	Data     []productAnswer `json:"data"`
	HasMore  bool            `json:"has_more"`
	NextPage *string         `json:"next_page"` // of a search
}

// ListProducts returns the products created at since or later, archived ones
// among them, newest first; what was written is there at once, unlike in a
// search.
func (c *Client) ListProducts(ctx context.Context, since time.Time) ([]Product, error) {
	q := &productQuery{}
	if !since.IsZero() {
		q.Created = &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
	}
	return c.allProducts(ctx, "list products", productsPath, "list", q)
}

// Tag is a metadata key with a value.
type Tag struct{ Key, Value string }

// SearchProducts returns the products that carry any of the tags, archived ones
// among them. What was written in the last minute may be missing. (Stripe:
// "Search", data freshness.)
func (c *Client) SearchProducts(ctx context.Context, tags ...Tag) ([]Product, error) {
	return c.allProducts(ctx, "search products", productsPath+"/search", "search_result", &productQuery{Query: new(anyTag(tags))})
}

func (c *Client) allProducts(ctx context.Context, what, path, object string, q *productQuery) ([]Product, error) {
	q.Limit, q.Expand = pageSize, stripe.StringSlice([]string{"data.default_price"})
	var all []Product
	for {
		var page productPage
		err := c.do(ctx, what, func(ctx context.Context) error {
			q.Context = ctx
			return c.backend.Call(http.MethodGet, path, c.key, q, &page)
		})
		if err != nil {
			return nil, err
		}
		if page.Object != object {
			return nil, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
		}
		for i := range page.Data {
			got, err := c.product(what, &page.Data[i])
			if err != nil {
				return nil, err
			}
			all = append(all, got)
		}
		switch {
		case !page.HasMore || len(page.Data) == 0:
			return all, nil
		case q.Query != nil && page.NextPage == nil:
			return nil, fault.Newf("stripe.response_malformed", "%s: there is more, but no next page", what)
		case q.Query != nil:
			q.Page = page.NextPage
		default:
			q.StartingAfter = new(all[len(all)-1].ID)
		}
	}
}

func (c *Client) product(what string, x *productAnswer) (Product, error) {
	if err := checkAnswer(what, "product", x.Object, x.ID); err != nil {
		return Product{}, err
	}
	if err := c.checkMode(what, x.Livemode); err != nil {
		return Product{}, err
	}
	p := Product{ID: x.ID, Name: x.Name, UnitLabel: x.UnitLabel, Active: x.Active, Metadata: x.Metadata, Created: time.Unix(x.Created, 0)}
	if x.Default != nil {
		price, err := c.price(what, x.Default)
		if err != nil {
			return Product{}, err
		}
		p.Default = &price
	}
	return p, nil
}
