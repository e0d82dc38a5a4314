package acumaticatwin

import (
	"encoding/json"
	"net/http"
	"strings"
)

// controlRoot is where the control interface lives. It belongs to the twin,
// not to Acumatica, needs no sign-in, and is never faulty.
const controlRoot = "_twin"

// control routes are plain JSON: snake_case names, amounts as decimal strings.
func (t *Twin) control(c *call) reply {
	route := c.method + " /" + strings.Join(c.path, "/")
	switch route {
	case "GET /_twin":
		return jsonReply(http.StatusOK, map[string][]string{"routes": {
			"GET /_twin/requests", "GET /_twin/payments", "GET /_twin/invoices", "GET /_twin/ledger", "GET /_twin/trial-balance",
			"GET /_twin/faults", "POST /_twin/faults", "DELETE /_twin/faults", "POST /_twin/periods/close", "POST /_twin/periods/open", "POST /_twin/customers", "POST /_twin/invoices",
			"POST /_twin/periods/deactivate", "GET /_twin/rates", "POST /_twin/rates", "GET /_twin/cash-accounts",
			"GET /_twin/notifications", "POST /_twin/notifications", "GET /_twin/notifications/failed", "POST /_twin/notifications/resend",
		}})
	case "GET /_twin/requests":
		return jsonReply(http.StatusOK, t.Requests())
	case "GET /_twin/payments":
		return jsonReply(http.StatusOK, t.Payments())
	case "GET /_twin/invoices":
		return jsonReply(http.StatusOK, t.Invoices())
	case "GET /_twin/ledger":
		return jsonReply(http.StatusOK, t.Ledger())
	case "GET /_twin/trial-balance":
		return jsonReply(http.StatusOK, t.TrialBalance())
	case "POST /_twin/periods/close":
		return controlPeriod(c, t.closePeriod)
	case "POST /_twin/periods/open":
		return controlPeriod(c, func(period, _ string) error { return t.OpenPeriod(period) })
	case "POST /_twin/periods/deactivate":
		return controlPeriod(c, func(period, _ string) error { return t.DeactivatePeriod(period) })
	case "GET /_twin/rates":
		return jsonReply(http.StatusOK, t.Rates())
	case "POST /_twin/rates":
		return controlAdd(c, "date", func(r Rate) (string, error) { return r.Date, t.SetRate(r) })
	case "GET /_twin/cash-accounts":
		return jsonReply(http.StatusOK, t.CashAccounts())
	case "POST /_twin/customers":
		return controlAdd(c, "customer_id", t.addCustomer)
	case "POST /_twin/invoices":
		return controlAdd(c, "reference_nbr", t.addInvoice)
	case "GET /_twin/notifications":
		return jsonReply(http.StatusOK, t.Destinations())
	case "POST /_twin/notifications":
		return t.controlDestination(c)
	case "GET /_twin/notifications/failed":
		return jsonReply(http.StatusOK, t.FailedNotifications())
	case "POST /_twin/notifications/resend":
		return t.controlResend(c)
	}
	return controlError(http.StatusNotFound, "no such route: "+route+"; GET /_twin lists them")
}

func controlError(status int, text string) reply {
	return jsonReply(status, map[string]string{"error": text})
}

func controlPeriod(c *call, change func(period, module string) error) reply {
	var in struct {
		Period string `json:"period"`
		Module string `json:"module"` // to close in one only: AR, CA or GL
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	if err := change(in.Period, in.Module); err != nil {
		return controlError(http.StatusUnprocessableEntity, err.Error())
	}
	return emptyReply(http.StatusNoContent)
}

// controlAdd decodes one thing, adds it and answers its key.
func controlAdd[T any](c *call, key string, add func(T) (string, error)) reply {
	var in T
	if err := json.Unmarshal(c.body, &in); err != nil {
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
	if err := json.Unmarshal(c.body, &d); err != nil {
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
