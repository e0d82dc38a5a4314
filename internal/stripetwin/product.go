package stripetwin

import (
	"net/http"
	"slices"
)

// A product is what prices are of.
type product struct {
	head
	Name, Description, URL, Statement, TaxCode, UnitLabel, DefaultPrice string
	Inactive                                                            bool
	Shippable                                                           *bool
	Images, Features                                                    []string
	Updated                                                             int64
}

func (p *product) render() object {
	features := []any{}
	for _, name := range p.Features {
		features = append(features, object{"name": name})
	}
	var shippable any
	if p.Shippable != nil {
		shippable = *p.Shippable
	}
	return object{
		"id": p.ID, "object": "product", "active": !p.Inactive, "created": p.Created, "default_price": orNull(p.DefaultPrice),
		"description": orNull(p.Description), "features": features, "images": strList(p.Images), "livemode": false, "metadata": metadataOf(p.Metadata),
		"name": p.Name, "package_dimensions": nil, "shippable": shippable, "statement_descriptor": orNull(p.Statement),
		"tax_code": orNull(p.TaxCode), "unit_label": orNull(p.UnitLabel), "updated": p.Updated, "url": orNull(p.URL),
	}
}

func (p *product) fields(c *call) error {
	f := c.form
	f.set(&p.Name, "name", 5000)
	f.set(&p.Description, "description", 40000)
	f.set(&p.URL, "url", 5000)
	f.set(&p.Statement, "statement_descriptor", 22)
	f.set(&p.TaxCode, "tax_code", 5000)
	f.set(&p.UnitLabel, "unit_label", 12)
	p.Inactive = !f.boolean("active", !p.Inactive)
	if f.has("shippable") {
		v := f.boolean("shippable", false)
		p.Shippable = &v
	}
	if f.has("images") {
		p.Images = f.list("images")
	}
	if list := f.sub("features"); list != nil {
		p.Features = nil
		for _, i := range list.keys {
			p.Features = append(p.Features, list.sub(i).str("name", 80))
		}
	}
	p.Metadata = f.metadata(p.Metadata)
	p.Updated = c.now
	switch {
	case f.err != nil:
		return f.err
	case p.Name == "":
		return missingParam("name")
	case len(p.Images) > 8:
		return invalid("", "images", "You can specify up to 8 images.")
	}
	return nil
}

func createProduct(t *Twin, c *call) (object, error) {
	p := &product{}
	if err := p.fields(c); err != nil {
		return nil, err
	}
	id := c.form.str("id", 255)
	if t.s.Products.get(id) != nil {
		return nil, refused("resource_already_exists", "Product already exists.")
	}
	if id != "" && !isProductID(id) {
		return nil, notImplemented("ids of products that do not begin with prod_")
	}
	t.addProduct(c, p, id)
	o := p.render()
	t.emit(c, "product.created", o)
	return o, nil
}

// isProductID: the twin finds the kind of an object by how its id begins.
func isProductID(id string) bool { return len(id) > 5 && id[:5] == "prod_" }

func (t *Twin) addProduct(c *call, p *product, id string) {
	meta := p.Metadata
	p.head = t.newHead(c, orElse(id, t.newID("prod_", 14)))
	p.Metadata, p.Updated = meta, c.now
	t.s.Products.put(p)
}

func (t *Twin) product(c *call) (*product, error) {
	p := t.s.Products.get(c.id)
	if p == nil {
		return nil, missing("product", c.id, "id", http.StatusNotFound)
	}
	return p, nil
}

func getProduct(t *Twin, c *call) (object, error) {
	p, err := t.product(c)
	if err != nil {
		return nil, err
	}
	return p.render(), nil
}

func updateProduct(t *Twin, c *call) (object, error) {
	p, err := t.product(c)
	if err != nil {
		return nil, err
	}
	changed := *p
	if err := changed.fields(c); err != nil {
		return nil, err
	}
	if id := c.form.str("default_price", 255); c.form.has("default_price") {
		if pr := t.s.Prices.get(id); id != "" && (pr == nil || pr.Product != p.ID) {
			return nil, missing("price", id, "default_price", http.StatusBadRequest)
		}
		changed.DefaultPrice = id
	}
	before := p.render()
	*p = changed
	t.touch(&p.head)
	after := p.render()
	t.emitUpdate(c, "product.updated", before, after)
	return after, nil
}

// deleteProduct: only while it has no prices.
func deleteProduct(t *Twin, c *call) (object, error) {
	p, err := t.product(c)
	if err != nil {
		return nil, err
	}
	if t.s.Prices.find(eq{"product": p.ID}, always, nil).first() != nil {
		return nil, refused("", "This product cannot be deleted because it has one or more user-created prices.")
	}
	t.s.Products.delete(p.ID)
	t.emit(c, "product.deleted", p.render())
	return object{"id": p.ID, "object": "product", "deleted": true}, nil
}

func listProducts(t *Twin, c *call) (object, error) {
	all, active, ids := !c.form.has("active"), c.form.boolean("active", true), c.form.list("ids")
	rows := t.s.Products.find(nil, createdFilter(c), func(p *product) bool {
		return (all || active != p.Inactive) && (len(ids) == 0 || slices.Contains(ids, p.ID))
	})
	return page(c, rows, "product", (*product).render)
}

func productRoutes() []route {
	fields := []string{"active", "description", "features", "images", "metadata", "name", "shippable", "statement_descriptor", "tax_code", "unit_label", "url"}
	return []route{
		post("/v1/products", createProduct, append([]string{"id"}, fields...)...).with("default_price_data", "package_dimensions"),
		list("/v1/products", listProducts, "active", "created", "ids").with("shippable", "url"),
		get("/v1/products/search", searchProducts, "query", "limit", "page"),
		get("/v1/products/{id}", getProduct),
		post("/v1/products/{id}", updateProduct, append([]string{"default_price"}, fields...)...).with("package_dimensions"),
		del("/v1/products/{id}", deleteProduct),
	}
}

func searchProducts(t *Twin, c *call) (object, error) {
	return search(t, c, t.s.Products, (*product).render)
}
