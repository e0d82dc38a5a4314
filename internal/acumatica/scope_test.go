package acumatica

import (
	"testing"

	"millrace/internal/fault"
)

// Invariant 5: words that condemn the connection on a list or at sign-in do
// not condemn it when one document fails with them.
func TestOneDocumentDoesNotStopTheConnection(t *testing.T) {
	const px, key = "PX.Data.PXException", "System.Collections.Generic.KeyNotFoundException"
	cases := []struct {
		name         string
		status       int
		kind, body   string
		record, list string
		uncertain    bool // of a write
	}{
		{"failed look-up", 500, "application/json", exception(key, "The given key was not present"), "acumatica.lookup", "acumatica.endpoint", true},
		{"no rights for the branch", 500, "application/json", exception(px, "You have insufficient rights for branch EAST."), "acumatica.not_allowed", "acumatica.forbidden", false},
		{"no rights in a 422", 422, "application/json", `{"Branch":{"error":"You have no rights to use it"}}`, "acumatica.not_allowed", "acumatica.forbidden", false},
		{"feature", 500, "application/json", exception(px, "Multicurrency is disabled on the Enable/Disable Features form."), "acumatica.not_allowed", "acumatica.forbidden", false},
		{"the form, in a 500", 500, "application/json", exception(px, "You have insufficient rights to access the Payments (AR302000) form."), "acumatica.forbidden", "acumatica.forbidden", false},
		{"the form, as such", 403, "application/json", `{"message":"You have insufficient rights."}`, "acumatica.forbidden", "acumatica.forbidden", false},
		{"403 without words", 403, "application/json", `{}`, "acumatica.forbidden", "acumatica.forbidden", false},
		{"locked account", 500, "application/json", exception(px, "The account is locked."), "acumatica.validation", "acumatica.credentials", false},
		{"locked cash account", 422, "application/json", `{"CashAccount":{"error":"The cash account is locked."}}`, "acumatica.cash_account", "acumatica.credentials", false},
		{"processing centre", 500, "application/json", exception(px, "Processing center: invalid credentials"), "acumatica.validation", "acumatica.credentials", false},
		{"tax server", 500, "application/json", exception(px, "The tax server is not available."), "acumatica.server_error", "acumatica.unreachable", true},
		{"maintenance with a 503", 503, "application/json", `{"message":"under maintenance"}`, "acumatica.unreachable", "acumatica.unreachable", true},
		{"HTML 500", 500, "text/html", "<html>", "acumatica.server_error", "acumatica.unreachable", true},
		{"HTML 502", 502, "text/html", "<html>", "acumatica.unreachable", "acumatica.unreachable", true},
		{"HTML 504", 504, "text/html", "<html>", "acumatica.unreachable", "acumatica.unreachable", true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, answer(tc.status, tc.kind, tc.body))
			_, put := c.Put(t.Context(), "Payment", map[string]any{}, Query{Expand: []string{"DocumentsToApply"}})
			_, get := c.Get(t.Context(), "Payment", []string{"Payment", "000001"}, Query{})
			for what, err := range map[string]error{
				"put": put, "get": get,
				"invoke": c.Invoke(t.Context(), "Payment", "ReleasePayment", nil),
				"delete": c.Delete(t.Context(), "Payment", "Payment", "000001"),
			} {
				if err == nil || fault.Of(err).Code != tc.record {
					t.Errorf("%s: %v, want %s", what, err, tc.record)
					continue
				}
				if got := Uncertain(err); got != (tc.uncertain && what != "get") {
					t.Errorf("%s: uncertain = %v", what, got)
				}
			}
			_, _, list := c.List(t.Context(), "Payment", Query{})
			for what, err := range map[string]error{"list": list, "ping": c.Ping(t.Context())} {
				if err == nil || fault.Of(err).Code != tc.list {
					t.Errorf("%s: %v, want %s", what, err, tc.list)
				}
			}
		})
	}
}

func TestUnknownFieldOfAKeyedReadIsTheConnections(t *testing.T) {
	c, _ := serve(t, answer(500, "application/json", exception("System.Collections.Generic.KeyNotFoundException", "The given key was not present")))
	for _, q := range []Query{{Select: []string{"Nope"}}, {Custom: []string{"Document.Nope"}}} {
		_, err := c.Get(t.Context(), "Payment", []string{"Payment", "000001"}, q)
		if fault.Of(err).Code != "acumatica.endpoint" {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
