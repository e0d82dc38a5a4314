package stripetwin

// getAccount is the account that the key belongs to.
func getAccount(t *Twin, _ *call) (object, error) {
	return object{
		"id": t.s.Account, "object": "account", "business_profile": object{"name": "Millrace test account", "url": nil},
		"business_type": nil, "capabilities": object{"card_payments": "active", "transfers": "active"},
		"charges_enabled": true, "controller": object{"type": "account"}, "country": "US", "created": t.s.Opened,
		"default_currency": t.fx.home(), "details_submitted": true, "email": "owner@example.com",
		"external_accounts": object{
			"object": "list", "data": []any{}, "has_more": false, "url": "/v1/accounts/" + t.s.Account + "/external_accounts",
		},
		"metadata": object{}, "payouts_enabled": true, "type": "standard",
		"settings": object{
			"branding":      object{"icon": nil, "logo": nil, "primary_color": nil, "secondary_color": nil},
			"card_payments": object{"statement_descriptor_prefix": nil, "statement_descriptor_prefix_kana": nil, "statement_descriptor_prefix_kanji": nil},
			"payments":      object{"statement_descriptor": "MILLRACE", "statement_descriptor_kana": nil, "statement_descriptor_kanji": nil},
			"dashboard":     object{"display_name": "Millrace test account", "timezone": "Etc/UTC"},
			"payouts": object{
				"debit_negative_balances": true, "schedule": object{"delay_days": int64(settleDays), "interval": t.interval()},
				"statement_descriptor": nil,
			},
		},
	}, nil
}

func (t *Twin) interval() string {
	if t.daily {
		return "daily"
	}
	return "manual"
}
