package stripetwin

import (
	"net/http"
	"strings"
)

// A balanceChange is a customer balance transaction: why a customer's balance
// is what it is. Negative is credit, which the next invoice takes.
type balanceChange struct {
	head
	Customer, Currency, Type, Description string
	Amount, Ending                        int64
	Invoice, Note                         string
}

func balanceChangeColumns() []column[balanceChange] {
	return []column[balanceChange]{by("customer", func(b *balanceChange) string { return b.Customer })}
}

func (b *balanceChange) render() object {
	return object{
		"id": b.ID, "object": "customer_balance_transaction", "amount": b.Amount, "created": b.Created, "credit_note": orNull(b.Note),
		"currency": b.Currency, "customer": b.Customer, "description": orNull(b.Description), "ending_balance": b.Ending,
		"invoice": orNull(b.Invoice), "livemode": false, "metadata": metadataOf(b.Metadata), "type": b.Type,
	}
}

// noteBalance writes down that the balance of a customer changed to what it is
// now. Nothing is written where nothing changed.
func (t *Twin) noteBalance(c *call, cu *customer, was int64, b balanceChange) *balanceChange {
	if cu.Balance == was {
		return nil
	}
	meta := b.Metadata
	b.head = t.newHead(c, t.newID("cbtxn_1", 23))
	b.Metadata = meta
	b.Customer, b.Currency, b.Amount, b.Ending = cu.ID, orElse(cu.Currency, t.fx.home()), cu.Balance-was, cu.Balance
	t.s.BalanceChanges.put(&b)
	return &b
}

// addToBalance changes a customer's balance and tells of it.
func (t *Twin) addToBalance(c *call, cu *customer, amount int64, b balanceChange) *balanceChange {
	before, was := cu.render(), cu.Balance
	cu.Balance += amount
	t.touch(&cu.head)
	made := t.noteBalance(c, cu, was, b)
	t.emitUpdate(c, "customer.updated", before, cu.render())
	return made
}

// customerAbove resolves the customer in the path of a resource below it.
func (t *Twin) customerAbove(c *call) (*customer, error) {
	id := strings.Split(c.path, "/")[3]
	if cu := t.s.Customers.get(id); cu != nil {
		return cu, nil
	}
	return nil, missing("customer", id, "customer", http.StatusNotFound)
}

func createBalanceChange(t *Twin, c *call) (object, error) {
	cu, err := t.customerAbove(c)
	if err != nil {
		return nil, err
	}
	amount, cur := c.form.sum()
	description, meta := c.form.str("description", 350), c.form.metadata(nil)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case amount == 0:
		return nil, invalid("parameter_invalid_integer", "amount", "The amount must not be 0.")
	case cu.Currency != "" && cur != cu.Currency:
		return nil, invalid("", "currency", "The customer's currency is %s; the balance cannot change in %s.", cu.Currency, cur)
	}
	cu.Currency = cur
	b := t.addToBalance(c, cu, amount, balanceChange{head: head{Metadata: meta}, Type: "adjustment", Description: description})
	return b.render(), nil
}

func (t *Twin) balanceChange(c *call) (*balanceChange, error) {
	cu, err := t.customerAbove(c)
	if err != nil {
		return nil, err
	}
	if b := t.s.BalanceChanges.get(c.id); b != nil && b.Customer == cu.ID {
		return b, nil
	}
	return nil, missing("customer balance transaction", c.id, "transaction", http.StatusNotFound)
}

func getBalanceChange(t *Twin, c *call) (object, error) {
	b, err := t.balanceChange(c)
	if err != nil {
		return nil, err
	}
	return b.render(), nil
}

func updateBalanceChange(t *Twin, c *call) (object, error) {
	b, err := t.balanceChange(c)
	if err != nil {
		return nil, err
	}
	description, meta := b.Description, c.form.metadata(b.Metadata)
	c.form.set(&description, "description", 350)
	if c.form.err != nil {
		return nil, c.form.err
	}
	b.Description, b.Metadata = description, meta
	t.touch(&b.head)
	return b.render(), nil
}

func listBalanceChanges(t *Twin, c *call) (object, error) {
	cu, err := t.customerAbove(c)
	if err != nil {
		return nil, err
	}
	rows := t.s.BalanceChanges.find(eq{"customer": cu.ID}, always, nil)
	return page(c, rows, "customer balance transaction", (*balanceChange).render)
}
