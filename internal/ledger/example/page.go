package example

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"millrace/internal/ledger"
	"millrace/internal/money"
)

const intro = `# Accounting

How every movement of a Stripe balance is posted. This page is generated from worked examples that the posting rules compute: ` + "`make generate`" + `.

A movement (a balance transaction of Stripe) has parts: its amount, each of its fees, and an exchange where the customer paid in another currency. A part is *covered* by an AR document
of the customer, or it is a pair of lines in a *settlement journal*: the clearing account of its currency against the account of its category. Together they move the clearing account by exactly the
movement's net, so that it always equals Stripe's balance; the clearing accounts of other currencies go back to zero. If any account is missing, nothing of the unit is posted.

The other side of an AR document is Acumatica's choice, not ours: a payment that pays an invoice credits the customer's receivables (here 11000); one without an
invoice is a *prepayment* and credits the customer's prepayment account, a liability (here 24000), until it is applied to an invoice, which moves it to the receivables.

The settings are under ` + "`books`" + ` of the connection (` + "`millrace config init`" + ` has them with comments; ` + "`millrace config lint`" + ` names what is missing).

## Account names

` + "`books.accounts`" + ` gives names their accounts: one for all currencies, or one for each. A name without an account falls to the next more general one.
Where the table says *must be set*, nothing stands for the name: what needs it is parked (` + "`ledger.account_missing`" + `) until it has an account. ` + "`fx`" + ` is needed only with several
clearing accounts, ` + "`opening`" + ` only with a start, ` + "`write_off`" + ` only to write a difference off.
Fees that are given back have the name of the fee with ` + "`.returned`" + ` at its end, and fall to the name without it.

| name | what is posted there | without it |
|---|---|---|
`

// Page writes docs/accounting.md.
func Page(w io.Writer) error {
	p := &page{w: w}
	p.printf("%s", intro)
	for _, n := range ledger.Chart() {
		if strings.HasSuffix(n.Name, ".returned") {
			continue
		}
		instead := strings.Join(n.Instead, ", then ")
		p.printf("| `%s` | %s | %s |\n", n.Name, n.Title, cmp.Or(instead, "must be set"))
	}
	for _, c := range All() {
		p.printf("\n## %s\n", c.Title)
		for i := range c.Examples {
			if err := p.example(&c.Examples[i]); err != nil {
				return fmt.Errorf("%s: %w", c.Examples[i].Title, err)
			}
		}
	}
	return p.err
}

// page keeps the first error of the writer.
type page struct {
	w   io.Writer
	err error
}

func (p *page) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func show(minor int64, currency string) string {
	return strings.TrimSuffix(money.Amount{Minor: minor, Currency: currency}.String(), " "+currency)
}

// blank is show that leaves a zero out.
func blank(minor int64, currency string) string {
	if minor == 0 {
		return ""
	}
	return show(minor, currency)
}

func (p *page) example(e *Example) error {
	res, err := e.Run()
	if err != nil {
		return err
	}
	p.printf("\n### %s\n\n%s\n\n", e.Title, e.Text)
	p.movements(e)
	p.documents(res)
	p.journals(res)
	for _, f := range res.Flags {
		p.printf("Flagged: %s (%s).\n\n", f.Reason, f.First)
	}
	p.accounts(res)
	return nil
}

func (p *page) movements(e *Example) {
	p.printf("| Stripe | day | type | category | amount | fee | net |\n|---|---|---|---|---:|---:|---:|\n")
	if e.Opening != 0 {
		p.printf("| balance at the start | | | | %s | | %[1]s |\n", show(e.Opening, "USD"))
	}
	for _, m := range e.Movements {
		p.printf("| %s%s | %s | %s | %s | %s %s | %s | %s |\n", m.ID, presented(&m), m.Created.Format("2 Jan"), m.Type, m.Category,
			show(m.Amount, m.Currency), m.Currency, blank(m.Fee, m.Currency), show(m.Net, m.Currency))
		for _, f := range m.Fees {
			p.printf("| | | %s | %s | | %s | |\n", f.Type, f.Description, show(f.Amount, f.Currency))
		}
	}
	if e.Lost != nil {
		p.printf("| %s lost | %s | | | | | |\n", e.Lost.Dispute, e.Lost.At.Format("2 Jan"))
	}
	p.printf("\n")
}

// presented says what the customer saw, where that is another currency.
func presented(m *ledger.Movement) string {
	if m.Source.Charge == nil {
		return ""
	}
	if m.Source.Currency != m.Currency {
		return fmt.Sprintf(" (%s %s of %s)", m.Source.Kind, m.Source.ID, money.Amount{Minor: m.Source.Amount, Currency: m.Source.Currency})
	}
	return fmt.Sprintf(" (%s %s)", m.Source.Kind, m.Source.ID)
}

func documentTitle(k ledger.DocumentKind, prepaid bool) string {
	switch k {
	case ledger.Payment:
		if prepaid {
			return "AR prepayment of"
		}
		return "AR payment of"
	case creditMemo:
		return "credit memo for"
	case ledger.PaymentCharge:
		return "charge on the AR payment of"
	case ledger.PaymentVoid:
		return "void of the AR payment of"
	case ledger.Refund:
		return "AR refund of"
	}
	return string(k)
}

func (p *page) documents(res *Result) {
	if len(res.Documents) == 0 {
		return
	}
	p.printf("Documents of the customer:\n\n")
	for i, d := range res.Documents {
		p.printf("- (%s) %s %s, %s: %s\n", documentMark(i), documentTitle(d.Kind, res.Prepaid), d.ID, d.Customer, money.Amount{Minor: d.Amount, Currency: d.Currency})
	}
	p.printf("\n")
}

func documentMark(i int) string { return fmt.Sprintf("d%d", i+1) }
func journalMark(i int) string  { return fmt.Sprintf("j%d", i+1) }

func (p *page) journals(res *Result) {
	if len(res.Journals) == 0 {
		p.printf("No journal.\n\n")
	}
	for i, j := range res.Journals {
		p.printf("Journal (%s) `%s` of %s, %s:\n\n| account | debit | credit | text | category |\n|---|---:|---:|---|---|\n", journalMark(i), j.Key, j.Date, j.Currency)
		for _, l := range j.Lines {
			p.printf("| %s %s | %s | %s | %s | %s |\n", l.Account, accountTitles[l.Account], blank(l.Debit, j.Currency), blank(l.Credit, j.Currency), l.Description, l.Category)
		}
		p.printf("\n")
	}
}

// entry is one amount on an account.
type entry struct {
	debit, credit int64
	mark          string
}

// accountIn is an account in a currency.
type accountIn struct{ account, currency string }

// entries are the documents and journals of a result by account.
func (res *Result) entries() map[accountIn][]entry {
	all := map[accountIn][]entry{}
	add := func(account, currency string, e entry) {
		k := accountIn{account, currency}
		all[k] = append(all[k], e)
	}
	for i, d := range res.Documents {
		clearing, mark := res.Rules.Clearing[d.Currency].Account, documentMark(i)
		owed := receivable
		if res.Prepaid {
			owed = prepayments
		}
		debit, credit := clearing, owed
		switch d.Kind {
		case ledger.Payment:
		case ledger.PaymentVoid, ledger.Refund:
			debit, credit = owed, clearing
		case creditMemo:
			given, _, _ := res.Rules.Find("refund", d.Currency)
			debit, credit = given.Account, receivable
		case ledger.PaymentCharge:
			debit, credit = feeAccount, clearing
		}
		add(debit, d.Currency, entry{debit: d.Amount, mark: mark})
		add(credit, d.Currency, entry{credit: d.Amount, mark: mark})
	}
	for i, j := range res.Journals {
		for _, l := range j.Lines {
			add(l.Account, j.Currency, entry{l.Debit, l.Credit, journalMark(i)})
		}
	}
	return all
}

// accounts draws what was posted as T-accounts.
func (p *page) accounts(res *Result) {
	all := res.entries()
	keys := slices.SortedFunc(maps.Keys(all), func(a, b accountIn) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency))
	})
	if len(keys) == 0 {
		return
	}
	p.printf("```\n")
	for i, k := range keys {
		if i > 0 {
			p.printf("\n")
		}
		p.printf("%s %s, %s\n%s\n", k.account, accountTitles[k.account], k.currency, strings.Repeat("─", 16)+"┬"+strings.Repeat("─", 16))
		var balance int64
		for _, e := range all[k] {
			balance += e.debit - e.credit
			debit, credit := blank(e.debit, k.currency), blank(e.credit, k.currency)
			p.printf("%s\n", strings.TrimRight(fmt.Sprintf("%12s %-3s│%12s %-3s", debit, side(debit, e.mark), credit, side(credit, e.mark)), " "))
		}
		p.printf("%s\n%s\n", strings.Repeat("─", 16)+"┼"+strings.Repeat("─", 16), total(balance, k.currency))
	}
	p.printf("```\n")
}

func side(amount, mark string) string {
	if amount == "" {
		return ""
	}
	return mark
}

// total is the last row: the balance on its side.
func total(balance int64, currency string) string {
	if balance < 0 {
		return fmt.Sprintf("%16s│%12s", "", show(-balance, currency))
	}
	return fmt.Sprintf("%12s    │", show(balance, currency))
}
