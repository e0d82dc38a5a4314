package reconcile

import (
	"encoding/json"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/ledger"
	"millrace/internal/posting"
	"millrace/schemas"
)

// post does what the pipeline does: documents for what they cover, journals for
// the rest of completed payouts.
func (w *world) post() {
	w.t.Helper()
	for _, m := range w.moves {
		parts, err := w.o.Rules.Parts(m)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range parts {
			if p.Cover == ledger.ByDocument && p.Document.Kind == ledger.Payment {
				w.paymentIn(p.Currency, p.Document.ID, p.Effect, m.Created.Format(time.DateOnly))
			}
		}
	}
	w.opening()
	w.units()
	for _, p := range w.payouts {
		if p.Created.Before(w.o.Rules.Start) {
			continue
		}
		if p.Reconciliation == "completed" && w.byPayout() {
			u := ledger.NewUnit(w.o.Rules, p.ID, p.Currency)
			for _, m := range w.moves {
				if w.payout[m.ID] == p.ID {
					if err := u.Add(m); err != nil {
						w.t.Fatal(err)
					}
				}
			}
			w.journals(u.Journals())
		}
		if p.Status == "paid" {
			w.journals(ledger.Bank(w.o.Rules, &p.Movement, p.Arrival))
		}
	}
}

func (w *world) intent(document, key string, fields any, keys map[string]string) {
	data, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	in := schemas.Intent{
		Connection: connection, Lane: "cus_1", Target: schemas.Acumatica, Document: document, Verb: "create", Key: key, Fields: data,
	}
	in.ID = schemas.IntentID(connection, schemas.Acumatica, document, "create", key, "")
	w.intents = append(w.intents, in)
	w.records[in.ID] = posting.Record{IntentID: in.ID, State: posting.Done, Keys: keys}
}

func (w *world) payment(charge string, amount int64, day string) {
	w.t.Helper()
	w.paymentIn("USD", charge, amount, day)
}

// pays is what the payment of a charge is applied to.
func (w *world) pays(charge string) []schemas.AcumaticaApplication {
	if w.applied[charge] == nil {
		return nil
	}
	return []schemas.AcumaticaApplication{*w.applied[charge]}
}

func (w *world) paymentIn(currency, charge string, amount int64, day string) {
	w.t.Helper()
	fields := schemas.AcumaticaPayment{
		Type: "Prepayment", CustomerID: w.customer, PaymentMethod: acumaticatwin.SeedPaymentMethod, CashAccount: w.o.CashAccounts[currency],
		CurrencyID: currency, PaymentAmount: decimalOf(amount, currency), PaymentRef: charge, ApplicationDate: day,
	}
	if fields.DocumentsToApply = w.pays(charge); fields.DocumentsToApply != nil {
		fields.Type = "Payment"
	}
	if day := w.dated[charge]; day != "" {
		fields.ApplicationDate = day
	}
	if w.only != nil && !w.only(payment, charge) {
		return
	}
	r := w.put(charge, paymentEntity, "ReleasePayment", fields)
	w.intent("payment", charge, fields, map[string]string{"Type": r.String("Type"), "ReferenceNbr": r.String("ReferenceNbr"), "id": r.ID()})
}

func (w *world) journals(js []ledger.Journal, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, j := range js {
		f := schemas.AcumaticaJournal{
			Module: "GL", CurrencyID: j.Currency, TransactionDate: j.Date, Description: "Stripe " + j.Key + " " + schemas.JournalReference(connection, j.Key),
		}
		for _, l := range j.Lines {
			row := schemas.AcumaticaJournalLine{Account: l.Account, Subaccount: l.Subaccount, TransactionDescription: l.Description}
			if l.Debit != 0 {
				row.DebitAmount = decimalOf(l.Debit, j.Currency)
			} else {
				row.CreditAmount = decimalOf(l.Credit, j.Currency)
			}
			f.Details = append(f.Details, row)
		}
		w.journal(j.Key, f)
	}
}

func (w *world) journal(key string, f schemas.AcumaticaJournal) {
	w.t.Helper()
	if w.only != nil && !w.only(journal, key) {
		return
	}
	r := w.put(key, journalEntity, "ReleaseJournalTransaction", f)
	w.intent("journal", key, f, map[string]string{"Module": "GL", "BatchNbr": r.String("BatchNbr"), "id": r.ID()})
}

// put creates and releases a document.
func (w *world) put(key, entity, action string, fields any) acumatica.Record {
	w.t.Helper()
	r := w.draft(key, entity, fields)
	w.invoke(entity, action, r.ID())
	return r
}

func (w *world) invoke(entity, action, id string) {
	w.t.Helper()
	if err := w.erp.Invoke(w.t.Context(), entity, action, map[string]any{"id": id}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) draft(key, entity string, fields any) acumatica.Record {
	w.t.Helper()
	data, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	var plain map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&plain); err != nil {
		w.t.Fatal(err)
	}
	plain["Hold"] = false
	if w.edit != nil && key == w.editKey {
		w.edit(plain)
	}
	r, err := w.erp.Put(w.t.Context(), entity, wrapped(plain), acumatica.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func wrapped(plain map[string]any) map[string]any {
	body := map[string]any{}
	for name, v := range plain {
		if rows, ok := v.([]any); ok {
			list := make([]any, len(rows))
			for i, row := range rows {
				list[i] = wrapped(row.(map[string]any))
			}
			body[name] = list
			continue
		}
		body[name] = acumatica.Value(v)
	}
	return body
}

// noSource is that of a movement without one.
var noSource = ledger.Source{}

// numberOf is the number of the payment with the reference.
func (w *world) numberOf(ref string) string {
	for _, p := range w.twin.Payments() {
		if p.PaymentRef == ref {
			return p.ReferenceNbr
		}
	}
	w.t.Fatalf("no payment %s", ref)
	return ""
}

// void voids a prepayment as a person does.
func (w *world) void(number string) {
	w.t.Helper()
	keys := func(kind string) map[string]any {
		return map[string]any{"Type": acumatica.Value(kind), "ReferenceNbr": acumatica.Value(number)}
	}
	if err := w.erp.Invoke(w.t.Context(), paymentEntity, "VoidPayment", keys("Prepayment")); err != nil {
		w.t.Fatal(err)
	}
	if err := w.erp.Invoke(w.t.Context(), paymentEntity, "ReleasePayment", keys("Voided Payment")); err != nil {
		w.t.Fatal(err)
	}
}

// again posts a journal a second time.
func (w *world) again(key string) {
	for _, in := range w.intents {
		if in.Key != key {
			continue
		}
		var f schemas.AcumaticaJournal
		if err := json.Unmarshal(in.Fields, &f); err != nil {
			w.t.Fatal(err)
		}
		w.put(key, journalEntity, "ReleaseJournalTransaction", f)
	}
}

func (w *world) byPayout() bool { return !w.o.ByDay && w.o.Rules.Fees != ledger.FeesPerTransaction }

// opening posts what the balance was at the start.
func (w *world) opening() {
	var sum int64
	for _, m := range w.moves {
		if m.Created.Before(w.o.Rules.Start) {
			sum += m.Net
		}
	}
	w.journals(ledger.Opening(w.o.Rules, sum, "USD"))
}

// units posts days that are over, or movements one by one.
func (w *world) units() {
	w.t.Helper()
	units := map[string]*ledger.Unit{}
	for _, m := range w.moves {
		id := m.ID
		switch day := m.Created.Format(time.DateOnly); {
		case w.byPayout() || w.o.ByDay && day >= now().Format(time.DateOnly):
			continue
		case w.o.ByDay:
			id = day + "/" + m.Currency
		}
		if units[id] == nil {
			units[id] = ledger.NewUnit(w.o.Rules, id, m.Currency)
		}
		if err := units[id].Add(m); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, u := range units {
		w.journals(u.Journals())
	}
}

// carry posts the journal of an intent.
func (w *world) carry(in schemas.Intent) {
	w.t.Helper()
	var f schemas.AcumaticaJournal
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		w.t.Fatal(err)
	}
	w.journal(in.Key, f)
}

// foreign is what somebody else enters on the clearing account.
func (w *world) foreign(day string, amount int64) {
	w.t.Helper()
	debit, credit := "10250", "61000"
	if amount < 0 {
		debit, credit = credit, debit
	}
	n := decimalOf(abs(amount), "USD")
	w.put("x", journalEntity, "ReleaseJournalTransaction", map[string]any{
		"Module": "GL", "CurrencyID": "USD", "TransactionDate": day, "Description": "by hand",
		"Details": []any{map[string]any{"Account": debit, "DebitAmount": n}, map[string]any{"Account": credit, "CreditAmount": n}},
	})
}
