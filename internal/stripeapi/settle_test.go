package stripeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/fault"
	"millrace/internal/ledger"
)

const chargeMove = `{"id":"txn_1","object":"balance_transaction","type":"charge","reporting_category":"charge","amount":10000,"fee":320,"net":9680,
	"currency":"usd","created":1775012399,"available_on":1775174400,"description":"Order 7","exchange_rate":null,
	"fee_details":[{"amount":300,"currency":"usd","description":"Stripe processing fees","type":"stripe_fee","application":null},
		{"amount":20,"currency":"usd","description":"VAT","type":"tax","application":null}],
	"source":{"id":"ch_1","object":"charge","amount":12000,"amount_captured":9000,"currency":"eur","created":1775012398,"customer":"cus_1","invoice":{"id":"in_1","object":"invoice"},"status":"succeeded"}}`

func TestAMovementComesWithTheChargeBehindIt(t *testing.T) {
	charge := &ledger.Charge{ID: "ch_1", Status: "succeeded", Customer: "cus_1", Captured: 9000, Currency: "EUR", Created: time.Unix(1775012398, 0).UTC()}
	behind := `{"id":"ch_1","object":"charge","amount":9000,"amount_captured":9000,"currency":"eur","created":1775012398,"customer":"cus_1","invoice":null,"status":"succeeded"}`
	for _, tt := range []struct {
		name, source string
		want         ledger.Source
	}{
		{"a refund", `{"id":"re_1","object":"refund","amount":500,"currency":"eur","charge":` + behind + `}`, ledger.Source{Kind: "refund", ID: "re_1", Amount: 500, Currency: "EUR", Charge: charge}},
		{"a dispute", `{"id":"dp_1","object":"dispute","amount":9000,"currency":"eur","charge":` + behind + `}`, ledger.Source{Kind: "dispute", ID: "dp_1", Amount: 9000, Currency: "EUR", Charge: charge}},
		{"a refund of no charge", `{"id":"re_1","object":"refund","amount":500,"currency":"eur","charge":null}`, ledger.Source{Kind: "refund", ID: "re_1", Amount: 500, Currency: "EUR"}},
		{"a payout", `{"id":"po_1","object":"payout","amount":5,"currency":"usd"}`, ledger.Source{Kind: "payout", ID: "po_1"}},
		{"what Stripe does not expand", `"flxlnpd_1"`, ledger.Source{ID: "flxlnpd_1"}},
		{"nothing", `null`, ledger.Source{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := source("it", json.RawMessage(tt.source))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, hidden := range []string{`"ch_1"`, `"re_1"`, `{"id":"re_1","object":"refund","charge":"ch_1"}`, `[]`} {
		if _, err := source("it", json.RawMessage(hidden)); fault.Of(err).Code != "stripe.response_malformed" {
			t.Errorf("%s: got %v", hidden, err)
		}
	}
}

func TestGetMovementReadsEveryField(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/balance_transactions/txn_1" || r.URL.Query().Get("expand[1]") != "source.charge" {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = io.WriteString(w, chargeMove)
	})
	got, err := c.GetMovement(t.Context(), "txn_1")
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Movement{
		ID: "txn_1", Type: "charge", Category: "charge", Amount: 10000, Fee: 320, Net: 9680, Currency: "USD",
		Fees: []ledger.FeePart{
			{Type: "stripe_fee", Description: "Stripe processing fees", Amount: 300, Currency: "USD"},
			{Type: "tax", Description: "VAT", Amount: 20, Currency: "USD"},
		},
		Created: time.Unix(1775012399, 0).UTC(), AvailableOn: time.Unix(1775174400, 0).UTC(), Description: "Order 7",
		Source: ledger.Source{Kind: "charge", ID: "ch_1", Amount: 9000, Currency: "EUR", Charge: &ledger.Charge{
			ID: "ch_1", Status: "succeeded", Customer: "cus_1", Invoice: "in_1", Captured: 9000, Currency: "EUR", Created: time.Unix(1775012398, 0).UTC(),
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// pages answers with count movements, newest first, as pages of 100.
func pages(t *testing.T, count int, asked *int) *Client {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		*asked++
		q := r.URL.Query()
		if q.Get("payout") != "po_1" || q.Get("limit") != "100" || q.Get("expand[0]") != "data.source" || q.Get("expand[1]") != "data.source.charge" {
			t.Errorf("asked for %s", r.URL)
		}
		from := 0
		if after := q.Get("starting_after"); after != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(after, "txn_"))
			if err != nil {
				t.Errorf("after %s", after)
			}
			from = n + 1
		}
		var rows []string
		for i := from; i < min(from+100, count); i++ {
			rows = append(rows, strings.Replace(chargeMove, "txn_1", fmt.Sprintf("txn_%d", i), 1))
		}
		_, _ = fmt.Fprintf(w, `{"object":"list","has_more":%t,"data":[%s]}`, from+100 < count, strings.Join(rows, ","))
	})
}

// What is held while ten thousand movements pass is a page of them, not all.
func TestMovementsPassByOnePageAtATime(t *testing.T) {
	asked, seen := 0, 0
	c := pages(t, 10_000, &asked)
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early, most uint64
	err := c.EachMovement(t.Context(), MovementQuery{Payout: "po_1"}, func(m *ledger.Movement) error {
		if want := fmt.Sprintf("txn_%d", seen); m.ID != want {
			t.Fatalf("got %s, want %s", m.ID, want)
		}
		if seen++; asked != (seen+99)/100 {
			t.Fatalf("%d pages were read for %d movements", asked, seen)
		}
		if seen == 500 {
			early = held()
		}
		if seen > 500 && seen%2_500 == 0 {
			most = max(most, held())
		}
		return nil
	})
	if err != nil || seen != 10_000 || asked != 100 {
		t.Fatalf("%d movements on %d pages, %v", seen, asked, err)
	}
	if most > early+1<<20 { // ten thousand of them are about 8 MB
		t.Errorf("held %d bytes after 500 movements, %d later", early, most)
	}
}

func TestAnErrorEndsTheStream(t *testing.T) {
	asked, seen := 0, 0
	full := errors.New("full")
	err := pages(t, 10_000, &asked).EachMovement(t.Context(), MovementQuery{Payout: "po_1"}, func(*ledger.Movement) error {
		seen++
		return full
	})
	if !errors.Is(err, full) || seen != 1 || asked != 1 {
		t.Errorf("%d movements on %d pages, %v", seen, asked, err)
	}
}

func TestAPayoutComesWithItsOwnMovement(t *testing.T) {
	body := `{"id":"po_1","object":"payout","amount":9680,"currency":"usd","status":"paid","automatic":true,"reconciliation_status":"completed",
		"created":1775012399,"arrival_date":1775174400,"livemode":%t,"balance_transaction":{"id":"txn_9","object":"balance_transaction","type":"payout",
		"reporting_category":"payout","amount":-9680,"fee":0,"net":-9680,"currency":"usd","created":1775012399,"available_on":1775012399,"fee_details":[],"source":"po_1"}}`
	live := false
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, body, live) })
	got, err := c.GetPayout(t.Context(), "po_1")
	if err != nil {
		t.Fatal(err)
	}
	created := time.Unix(1775012399, 0).UTC()
	want := Payout{
		ID: "po_1", Amount: 9680, Currency: "USD", Status: "paid", Automatic: true, Reconciliation: "completed", Created: created, Arrival: time.Unix(1775174400, 0).UTC(),
		Movement: ledger.Movement{
			ID: "txn_9", Type: "payout", Category: "payout", Amount: -9680, Net: -9680, Currency: "USD", Created: created, AvailableOn: created,
			Source: ledger.Source{Kind: "payout", ID: "po_1"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	live = true // Invariant 8
	if _, err := c.GetPayout(t.Context(), "po_1"); fault.Of(err).Code != "stripe.livemode" {
		t.Errorf("got %v", err)
	}
}

func TestAllRefundsOfAChargeAreOneList(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("charge") != "ch_1" || q.Get("expand[0]") != "data.balance_transaction" {
			t.Errorf("asked for %s", r.URL)
		}
		if q.Get("starting_after") == "" {
			_, _ = io.WriteString(w, `{"object":"list","has_more":true,"data":[{"id":"re_2","object":"refund","amount":2}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"object":"list","has_more":false,"data":[{"id":"re_1","object":"refund","amount":1}]}`)
	})
	got, err := c.Fetch(t.Context(), "refunds", "ch_1", "balance_transaction")
	want := `{"charge":"ch_1","data":[{"id":"re_2","object":"refund","amount":2},{"id":"re_1","object":"refund","amount":1}],"object":"list"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
