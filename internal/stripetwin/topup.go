package stripetwin

import (
	"context"
	"net/http"
)

// topupDays is how long money from the bank is under way.
const topupDays = 1

// A topup brings money from the account's bank into its balance. Stripe:
// pending, then succeeded or failed; a pending one can be canceled, and the
// bank can reverse one that succeeded. Its balance transaction comes with
// success.
type topup struct {
	head
	Currency, Description, Statement, Group, Status string
	Amount, ExpectedAt                              int64
	Move, FailureCode                               string
}

func topupColumns() []column[topup] {
	return []column[topup]{
		by("status", func(p *topup) string { return p.Status }),
		dueAt(func(p *topup) int64 {
			if p.Status == "pending" {
				return p.ExpectedAt
			}
			return 0
		}),
	}
}

func (p *topup) render() object {
	o := object{
		"id": p.ID, "object": "topup", "amount": p.Amount, "balance_transaction": orNull(p.Move), "created": p.Created, "currency": p.Currency,
		"description": orNull(p.Description), "expected_availability_date": p.ExpectedAt, "failure_code": orNull(p.FailureCode),
		"failure_message": nil, "livemode": false, "metadata": metadataOf(p.Metadata), "source": nil,
		"statement_descriptor": orNull(p.Statement), "status": p.Status, "transfer_group": orNull(p.Group),
	}
	if p.FailureCode != "" {
		o["failure_message"] = "The bank refused the top-up: " + p.FailureCode + "."
	}
	return o
}

func createTopup(t *Twin, c *call) (object, error) {
	f := c.form
	amount, cur := f.sum()
	p := &topup{
		Currency: cur, Amount: amount, Description: f.str("description", 5000), Statement: f.str("statement_descriptor", 15),
		Group: f.str("transfer_group", 5000), Status: "pending",
	}
	meta := f.metadata(nil)
	if f.err != nil {
		return nil, f.err
	}
	if err := chargeable("amount", amount, cur); err != nil {
		return nil, err
	}
	p.head, p.ExpectedAt = t.newHead(c, t.newID("tu_1", 23)), midnight(c.now, topupDays)
	p.Metadata = meta
	t.s.Topups.put(p)
	t.emit(c, "topup.created", p.render())
	return p.render(), nil
}

// arrive lets a topup succeed. Stripe: the money is available at once.
func (t *Twin) arrive(c *call, p *topup) {
	p.Status = "succeeded"
	p.Move = t.newMove(c, move{
		Type: "topup", Category: "topup", Source: p.ID, Currency: p.Currency, Description: orElse(p.Description, "Top-up"), Amount: p.Amount,
	}).ID
	t.touch(&p.head)
	t.emit(c, "topup.succeeded", p.render())
}

func (t *Twin) topup(id string) (*topup, error) {
	if p := t.s.Topups.get(id); p != nil {
		return p, nil
	}
	return nil, missing("topup", id, "topup", http.StatusNotFound)
}

func getTopup(t *Twin, c *call) (object, error) {
	p, err := t.topup(c.id)
	if err != nil {
		return nil, err
	}
	return p.render(), nil
}

func updateTopup(t *Twin, c *call) (object, error) {
	p, err := t.topup(c.id)
	if err != nil {
		return nil, err
	}
	description, meta := p.Description, c.form.metadata(p.Metadata)
	c.form.set(&description, "description", 5000)
	if c.form.err != nil {
		return nil, c.form.err
	}
	p.Description, p.Metadata = description, meta
	t.touch(&p.head)
	return p.render(), nil
}

func cancelTopup(t *Twin, c *call) (object, error) {
	p, err := t.topup(c.id)
	if err != nil {
		return nil, err
	}
	if p.Status != "pending" {
		return nil, refused("", "You cannot cancel a top-up with a status of %s.", p.Status)
	}
	p.Status = "canceled"
	t.touch(&p.head)
	t.emit(c, "topup.canceled", p.render())
	return p.render(), nil
}

func listTopups(t *Twin, c *call) (object, error) {
	status := c.form.choice("status", "", "canceled", "failed", "pending", "succeeded")
	rows := t.s.Topups.find(eq{"status": status}, createdFilter(c), nil)
	return page(c, rows, "topup", (*topup).render)
}

// FailTopup lets the bank refuse a pending topup, or take back one that
// succeeded.
func (t *Twin) FailTopup(ctx context.Context, topupID, code string) error {
	return t.as(ctx, func(c *call) error {
		p, err := t.topup(topupID)
		if err != nil {
			return err
		}
		switch p.Status {
		case "pending":
			p.Status, p.FailureCode = "failed", orElse(code, "could_not_process")
			t.touch(&p.head)
			t.emit(c, "topup.failed", p.render())
		case "succeeded":
			p.Status = "reversed"
			t.newMove(c, move{
				Type: "topup_reversal", Category: "topup_reversal", Source: p.ID, Currency: p.Currency, Description: "Top-up reversal", Amount: -p.Amount,
			})
			t.touch(&p.head)
			t.emit(c, "topup.reversed", p.render())
		default:
			return refused("", "The top-up %s is %s already.", p.ID, p.Status)
		}
		return nil
	})
}

func (t *Twin) controlTopup(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Topup       string `json:"topup"`
		FailureCode string `json:"failure_code"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	if err := t.FailTopup(req.Context(), in.Topup, in.FailureCode); err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"topup": in.Topup})
}
