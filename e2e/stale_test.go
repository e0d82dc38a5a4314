package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"millrace/internal/acumaticatwin"
)

// TestWorkerThatWakesUpLateCannotPost: a sink is stopped in the middle of a
// write, for longer than AckWait and its hold on the posting; another replica
// posts; then the write arrives after all, and the first one wakes up.
func TestWorkerThatWakesUpLateCannotPost(t *testing.T) {
	t.Parallel()
	for name, match := range map[string]func(r *http.Request) bool{
		"while it creates": func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/Payment")
		},
		"while it releases": func(r *http.Request) bool {
			return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Payment/ReleasePayment")
		},
	} {
		t.Run(name, func(t *testing.T) { staleWorker(t, match) })
	}
}

func staleWorker(t *testing.T, match func(*http.Request) bool) {
	t.Helper()
	w := newWorld(t, trap{})
	var once sync.Once
	var first *exec.Cmd
	stopped, arrive := make(chan struct{}), make(chan struct{})
	w.hold = func(system string, r *http.Request) {
		if system != "acumatica" || !match(r) {
			return
		}
		late := false
		once.Do(func() {
			late = true
			if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Error(err)
			}
			close(stopped)
		})
		if late {
			<-arrive
		}
	}
	w.outsideBroker()
	first = w.service("sink-acumatica")
	for _, service := range []string{"ingest", "source-acumatica", "transform", "sink-stripe"} {
		w.service(service)
	}
	w.ingestListens()
	customer := ""
	w.until("a customer is in Stripe", func() bool {
		for _, c := range w.list("customers?limit=1") {
			customer, _ = c["id"].(string)
		}
		return customer != ""
	})
	if _, err := w.stripe.ChargeCustomer(t.Context(), customer, 12_345, "usd", "no invoice"); err != nil {
		t.Fatal(err)
	}
	<-stopped
	w.service("sink-acumatica")
	posted := func() (open, other int) {
		for _, p := range w.acumatica.Payments() {
			if p.Status == "Open" {
				open++
			} else {
				other++
			}
		}
		return open, other
	}
	w.until("the other replica has posted", func() bool { open, _ := posted(); return open == 1 })
	close(arrive)
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := w.stripe.ChargeCustomer(t.Context(), customer, 6_789, "usd", "no invoice either"); err != nil {
		t.Fatal(err)
	}
	w.until("what comes later is posted as well, and no copy is left", func() bool {
		open, other := posted()
		return open == 2 && other == 0
	})
	released := 0
	for _, b := range w.acumatica.Ledger() {
		if strings.HasPrefix(b.Description, "Prepayment ") {
			released++
		}
	}
	if released != 2 {
		t.Errorf("%d postings in the ledger, want 2", released)
	}
	clearing := ""
	for _, a := range w.acumatica.TrialBalance() {
		if a.Account == "10250" && a.Currency == "USD" {
			clearing = a.Balance.String()
		}
	}
	if clearing != "191.34" {
		t.Errorf("clearing account %s holds %s, want 191.34", acumaticatwin.SeedCashAccountUSD, clearing)
	}
}
