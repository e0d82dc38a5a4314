package stripetwin

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// A taxID is a tax number of a customer. Stripe: it cannot be changed, and has
// no metadata.
type taxID struct {
	head
	Customer, Type, Value string
}

func taxIDColumns() []column[taxID] {
	return []column[taxID]{by("customer", func(x *taxID) string { return x.Customer })}
}

// taxIDTypes are those of the API version. (Stripe: "Create a customer tax ID".)
var taxIDTypes = []string{
	"ad_nrt", "ae_trn", "ar_cuit", "au_abn", "au_arn", "bg_uic", "bo_tin", "br_cnpj", "br_cpf", "ca_bn", "ca_gst_hst", "ca_pst_bc", "ca_pst_mb",
	"ca_pst_sk", "ca_qst", "ch_vat", "cl_tin", "cn_tin", "co_nit", "cr_tin", "do_rcn", "ec_ruc", "eg_tin", "es_cif", "eu_oss_vat", "eu_vat",
	"gb_vat", "ge_vat", "hk_br", "hu_tin", "id_npwp", "il_vat", "in_gst", "is_vat", "jp_cn", "jp_rn", "jp_trn", "ke_pin", "kr_brn", "li_uid",
	"mx_rfc", "my_frp", "my_itn", "my_sst", "no_vat", "no_voec", "nz_gst", "pe_ruc", "ph_tin", "ro_tin", "rs_pib", "ru_inn", "ru_kpp", "sa_vat",
	"sg_gst", "sg_uen", "si_tin", "sv_nit", "th_vat", "tr_tin", "tw_vat", "ua_vat", "us_ein", "uy_ruc", "ve_rif", "vn_tin", "za_vat",
}

// taxIDForms are the types whose values the twin checks, by the examples that
// Stripe documents.
var taxIDForms = map[string]*regexp.Regexp{
	"au_abn": regexp.MustCompile(`^\d{11}$`),
	"ca_bn":  regexp.MustCompile(`^\d{9}$`),
	"ch_vat": regexp.MustCompile(`^CHE-\d{3}\.\d{3}\.\d{3} (MWST|TVA|IVA)$`),
	"eu_vat": regexp.MustCompile(`^(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z+*]{8,12}$`),
	"gb_vat": regexp.MustCompile(`^GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})$`),
	"us_ein": regexp.MustCompile(`^\d{2}-?\d{7}$`),
}

// checkedByOthers are the types that Stripe looks up at a government.
var checkedByOthers = []string{"au_abn", "eu_vat", "gb_vat"}

func (x *taxID) country() string {
	if x.Type != "eu_vat" {
		return strings.ToUpper(x.Type[:2])
	}
	switch c := x.Value[:2]; c {
	case "EL":
		return "GR"
	case "XI":
		return "GB"
	default:
		return c
	}
}

func (x *taxID) render() object {
	status := "unavailable"
	if slices.Contains(checkedByOthers, x.Type) {
		status = "pending"
	}
	return object{
		"id": x.ID, "object": "tax_id", "country": x.country(), "created": x.Created, "customer": x.Customer, "livemode": false,
		"owner": object{"type": "customer", "customer": x.Customer}, "type": x.Type, "value": x.Value,
		"verification": object{"status": status, "verified_address": nil, "verified_name": nil},
	}
}

func createTaxID(t *Twin, c *call) (object, error) {
	cu, err := t.taxPayer(c)
	if err != nil {
		return nil, err
	}
	for _, k := range []string{"type", "value"} {
		if c.form.str(k, 5000) == "" {
			return nil, missingParam(k)
		}
	}
	x := &taxID{Customer: cu.ID, Type: c.form.choice("type", "", taxIDTypes...), Value: c.form.str("value", 5000)}
	if c.form.err != nil {
		return nil, c.form.err
	}
	if form := taxIDForms[x.Type]; form != nil && !form.MatchString(x.Value) {
		return nil, refused("tax_id_invalid", "Invalid value for %s.", x.Type)
	}
	x.head = t.newHead(c, t.newID("txi_1", 23))
	t.s.TaxIDs.put(x)
	o := x.render()
	t.emit(c, "customer.tax_id.created", o)
	return o, nil
}

// taxPayer resolves the customer in the path. Stripe: one that was deleted has
// no tax ids.
func (t *Twin) taxPayer(c *call) (*customer, error) {
	cu, err := t.customerAbove(c)
	if err == nil && cu.Gone {
		err = missing("customer", cu.ID, "customer", http.StatusNotFound)
	}
	return cu, err
}

func (t *Twin) taxID(c *call) (*taxID, error) {
	cu, err := t.taxPayer(c)
	if err != nil {
		return nil, err
	}
	if x := t.s.TaxIDs.get(c.id); x != nil && x.Customer == cu.ID {
		return x, nil
	}
	return nil, missing("tax_id", c.id, "id", http.StatusNotFound)
}

func getTaxID(t *Twin, c *call) (object, error) {
	x, err := t.taxID(c)
	if err != nil {
		return nil, err
	}
	return x.render(), nil
}

func deleteTaxID(t *Twin, c *call) (object, error) {
	x, err := t.taxID(c)
	if err != nil {
		return nil, err
	}
	o := x.render()
	t.s.TaxIDs.delete(x.ID)
	t.emit(c, "customer.tax_id.deleted", o)
	return object{"id": x.ID, "object": "tax_id", "deleted": true}, nil
}

func listTaxIDs(t *Twin, c *call) (object, error) {
	cu, err := t.taxPayer(c)
	if err != nil {
		return nil, err
	}
	return page(c, t.s.TaxIDs.find(eq{"customer": cu.ID}, always, nil), "tax_id", (*taxID).render)
}

// embeddedTaxIDs is the first page of a customer's tax ids.
func (t *Twin) embeddedTaxIDs(customerID string) object {
	data, more := []any{}, false
	for x := range t.s.TaxIDs.find(eq{"customer": customerID}, always, nil).newest() {
		if more = len(data) == embeddedLineCount; more {
			break
		}
		data = append(data, x.render())
	}
	return object{"object": "list", "data": data, "has_more": more, "url": "/v1/customers/" + customerID + "/tax_ids"}
}

func taxIDRoutes() []route {
	return []route{
		post("/v1/customers/{customer}/tax_ids", createTaxID, "type", "value"),
		list("/v1/customers/{customer}/tax_ids", listTaxIDs),
		get("/v1/customers/{customer}/tax_ids/{id}", getTaxID),
		del("/v1/customers/{customer}/tax_ids/{id}", deleteTaxID),
	}
}
