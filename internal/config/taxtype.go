package config

import (
	"slices"
	"strings"
)

// taxTypes are Stripe's types of tax ids at API version 2023-10-16. It adds
// some every year, so that another one is a warning.
const taxTypes = "ad_nrt ae_trn ar_cuit au_abn au_arn bg_uic bo_tin br_cnpj br_cpf ca_bn ca_gst_hst ca_pst_bc ca_pst_mb ca_pst_sk ca_qst " +
	"ch_vat cl_tin cn_tin co_nit cr_tin do_rcn ec_ruc eg_tin es_cif eu_oss_vat eu_vat gb_vat ge_vat hk_br hu_tin id_npwp il_vat in_gst is_vat " +
	"jp_cn jp_rn jp_trn ke_pin kr_brn li_uid mx_rfc my_frp my_itn my_sst no_vat no_voec nz_gst pe_ruc ph_tin ro_tin rs_pib ru_inn ru_kpp " +
	"sa_vat sg_gst sg_uen si_tin sv_nit th_vat tr_tin tw_vat ua_vat us_ein uy_ruc ve_rif vn_tin za_vat"

// countries are those of ISO 3166-1, and XK.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI " +
	"CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU " +
	"GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF " +
	"MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS " +
	"RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG " +
	"VI VN VU WF WS XK YE YT ZA ZM ZW"

// abroad are the countries whose businesses have numbers of another area than
// their own, by the prefix of its types.
func abroad(prefix string) []string {
	switch prefix {
	case "eu":
		return strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK GB")
	case "gb":
		return strings.Fields("IM GG JE")
	case "us":
		return strings.Fields("AS GU MP PR VI")
	case "ch":
		return strings.Fields("LI")
	case "no": // what foreign sellers of goods have
		return strings.Fields(countries)
	}
	return nil
}

func oneOf(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// taxType checks one type of a country.
func (v *validator) taxType(path, country, kind string) {
	area, _, _ := strings.Cut(kind, "_")
	switch {
	case kind == "none":
	case !oneOf(taxTypes, kind):
		v.warn(path, "look at Stripe's list of tax ids (docs.stripe.com/billing/customer/tax-ids); a number that Stripe refuses is left out", kind+" was no type of Stripe's when this version was made")
	case area != strings.ToLower(country) && !slices.Contains(abroad(area), country):
		v.warn(path, "the types of a country begin with it, and eu_ in the EU; a number that Stripe refuses is left out", kind+" is not a type of "+country)
	}
}
