package flow

import (
	"fmt"
	"strings"
)

// taxTypes are the types that Stripe has for the tax number of a business, by
// country; countries for which it has several, none of which is the usual one,
// are left out. (Stripe: "Customer tax IDs", at API version 2023-10-16.)
func taxTypes() map[string]string {
	types := map[string]string{
		"AD": "ad_nrt", "AE": "ae_trn", "AR": "ar_cuit", "AU": "au_abn", "BO": "bo_tin", "CA": "ca_bn", "CH": "ch_vat", "CL": "cl_tin",
		"CN": "cn_tin", "CO": "co_nit", "CR": "cr_tin", "DO": "do_rcn", "EC": "ec_ruc", "EG": "eg_tin", "GB": "gb_vat", "GE": "ge_vat",
		"HK": "hk_br", "ID": "id_npwp", "IL": "il_vat", "IN": "in_gst", "IS": "is_vat", "KE": "ke_pin", "KR": "kr_brn", "LI": "li_uid",
		"MX": "mx_rfc", "NO": "no_vat", "NZ": "nz_gst", "PE": "pe_ruc", "PH": "ph_tin", "RS": "rs_pib", "SA": "sa_vat", "SG": "sg_gst",
		"SV": "sv_nit", "TH": "th_vat", "TR": "tr_tin", "TW": "tw_vat", "UA": "ua_vat", "US": "us_ein", "UY": "uy_ruc", "VE": "ve_rif",
		"VN": "vn_tin", "ZA": "za_vat",
	}
	for country := range strings.FieldsSeq("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK") {
		types[country] = "eu_vat"
	}
	return types
}

// NoTaxID is the type of a country whose tax numbers are not sent.
const NoTaxID = "none"

// taxIDType is Stripe's type of a tax number of a country, or nil when there is
// no number or no type: tax_id_type("DE", "DE123456789") is eu_vat.
func taxIDType(m *meter, a []any) (any, error) {
	country, isText := a[0].(string)
	number, ok := a[1].(string)
	if a[0] == nil || a[1] == nil {
		return nil, nil // no customer is held up by a tax number
	}
	if !isText || !ok {
		return nil, fmt.Errorf("tax_id_type: needs two texts, not %s and %s", kindOf(a[0]), kindOf(a[1]))
	}
	country = strings.ToUpper(strings.TrimSpace(country))
	if strings.TrimSpace(number) == "" {
		return nil, nil
	}
	kind, chosen := m.books.TaxIDTypes[country]
	if !chosen {
		kind = taxTypes()[country]
	}
	// Northern Ireland trades goods as a part of the EU.
	if kind == "gb_vat" && strings.HasPrefix(strings.ToUpper(number), "XI") {
		kind = "eu_vat"
	}
	if kind == "" || kind == NoTaxID {
		return nil, nil
	}
	return kind, nil
}
