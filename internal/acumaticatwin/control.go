package acumaticatwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// controlRoot is where the control interface lives. It belongs to the twin,
// not to Acumatica, needs no sign-in, and is never faulty.
const controlRoot = "_twin"

// controlRoutes are plain JSON: snake_case names, amounts as decimal strings.
func (t *Twin) controlRoutes() map[string]func(*call) reply {
	return map[string]func(*call) reply{
		"GET /_twin/requests":            shows(t.Requests),
		"GET /_twin/payments":            shows(t.Payments),
		"GET /_twin/invoices":            shows(t.Invoices),
		"GET /_twin/ledger":              shows(t.Ledger),
		"GET /_twin/trial-balance":       shows(t.TrialBalance),
		"POST /_twin/periods/close":      func(c *call) reply { return controlPeriod(c, t.closePeriod) },
		"POST /_twin/periods/open":       func(c *call) reply { return controlPeriod(c, forAllModules(t.OpenPeriod)) },
		"POST /_twin/periods/deactivate": func(c *call) reply { return controlPeriod(c, forAllModules(t.DeactivatePeriod)) },
		"GET /_twin/rates":               shows(t.Rates),
		"POST /_twin/rates": func(c *call) reply {
			return controlAdd(c, "date", func(r Rate) (string, error) { return r.Date, t.SetRate(r) })
		},
		"GET /_twin/cash-accounts": shows(t.CashAccounts),
		"POST /_twin/customers":    func(c *call) reply { return controlAdd(c, "customer_id", t.addCustomer) },
		"POST /_twin/invoices":     func(c *call) reply { return controlAdd(c, "reference_nbr", t.addInvoice) },
		"POST /_twin/write-offs": func(c *call) reply {
			return controlAdd(c, "reference_nbr", func(w writeOff) (string, error) { return t.WriteOff(w.Invoice, w.Amount) })
		},
		"POST /_twin/hold":                 t.controlHold,
		"GET /_twin/rights":                shows(t.Rights),
		"POST /_twin/rights":               t.controlRights,
		"GET /_twin/notifications":         shows(t.Destinations),
		"POST /_twin/notifications":        t.controlDestination,
		"GET /_twin/notifications/failed":  shows(t.FailedNotifications),
		"POST /_twin/notifications/resend": t.controlResend,
	}
}

// controlBodies are what the routes that take something want; what is marked
// with ? may be left out.
var controlBodies = map[string]string{
	"POST /_twin/customers": `{"name", "email"?, "phone"?, "currency"?, "terms"?, "tax_zone"?, "status"?, ` +
		`"address"?: {"line1", "line2", "city", "state", "postal_code", "country"}}`,
	"POST /_twin/invoices": `{"customer_id", "lines": [{"description", "qty", "unit_price", "inventory_id"?, "taxable"?}], "type"?: "Credit Memo", ` +
		`"date"?: "2026-05-14", "terms"?, "description"?, "customer_order"?, "currency"?, "unreleased"?}`,
	"POST /_twin/write-offs":           `{"invoice": "AR000001", "amount"}`,
	"POST /_twin/hold":                 `{"invoice": "AR000001", "hold": true or false}`,
	"POST /_twin/rates":                `{"currency", "date": "2026-05-14", "rate": "1.08", "type"?}`,
	"POST /_twin/periods/close":        `{"period": "2026-05", "module"?: "AR", "CA" or "GL"}`,
	"POST /_twin/periods/open":         `{"period": "2026-05"}`,
	"POST /_twin/periods/deactivate":   `{"period": "2026-05"}`,
	"POST /_twin/notifications":        `{"url", "header"?, "value"?, "query"?, "entities"?: ["Invoice"], "fields"?: ["Status"]}`,
	"POST /_twin/notifications/resend": `{"id"?}`,
	"POST /_twin/rights":               `{"forbidden"?: ["Payment"], "read_only"?: ["Invoice"], "hidden_customers"?: ["C000001"], "no_branch"?}`,
	"POST " + faultPath:                `{"mode", "method"?, "path_prefix"?, "count"?, "after"?, "probability"?, "seed"?, "from"?, "for"?, "retry_after"?} or a list of such`,
}

// control answers a call of the control interface; GET /_twin lists them all.
func (t *Twin) control(c *call) reply {
	routes := t.controlRoutes()
	route := c.method + " /" + strings.Join(c.path, "/")
	if answer := routes[route]; answer != nil {
		return answer(c)
	}
	if route == "GET /"+controlRoot {
		names := slices.Collect(maps.Keys(routes))
		for _, method := range []string{"GET", "POST", "DELETE"} {
			names = append(names, method+" "+faultPath)
		}
		slices.Sort(names)
		for i, name := range names {
			if body := controlBodies[name]; body != "" {
				names[i] = name + " " + body
			}
		}
		return jsonReply(http.StatusOK, map[string][]string{"routes": names})
	}
	return controlError(http.StatusNotFound, "no such route: "+route+"; GET /_twin lists them")
}

// shows answers with what a function returns.
func shows[T any](list func() T) func(*call) reply {
	return func(*call) reply { return jsonReply(http.StatusOK, list()) }
}

// forAllModules is a change of a period that cannot be made in one module only.
func forAllModules(change func(string) error) func(period, module string) error {
	return func(period, _ string) error { return change(period) }
}

func controlError(status int, text string) reply {
	return jsonReply(status, map[string]string{"error": text})
}

func controlPeriod(c *call, change func(period, module string) error) reply {
	var in struct {
		Period string `json:"period"`
		Module string `json:"module"` // to close in one only: AR, CA or GL
	}
	if err := c.controlBody(&in); err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	if err := change(in.Period, in.Module); err != nil {
		return controlError(http.StatusUnprocessableEntity, err.Error())
	}
	return emptyReply(http.StatusNoContent)
}

// controlBody decodes what came. A name that is not known is refused: left
// out, it would make another thing than was asked for.
func (c *call) controlBody(into any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("body: %w; GET /_twin shows what it wants", err)
	}
	return nil
}

// controlAdd decodes one thing, adds it and answers its key.
func controlAdd[T any](c *call, key string, add func(T) (string, error)) reply {
	var in T
	if err := c.controlBody(&in); err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	id, err := add(in)
	if err != nil {
		return controlError(http.StatusUnprocessableEntity, err.Error())
	}
	return jsonReply(http.StatusCreated, map[string]string{key: id})
}

func (t *Twin) controlDestination(c *call) reply {
	var d Destination
	if err := c.controlBody(&d); err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	if err := t.AddDestination(d); err != nil {
		return controlError(http.StatusUnprocessableEntity, err.Error())
	}
	return emptyReply(http.StatusNoContent)
}

// controlResend takes the id of a transaction, or nothing for all that failed.
func (t *Twin) controlResend(c *call) reply {
	var in struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(c.body, &in); len(c.body) > 0 && err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	return jsonReply(http.StatusOK, map[string]int{"resent": t.ResendNotifications(in.ID)})
}
