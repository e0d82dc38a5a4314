package tieout

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"millrace/internal/ledger"
)

var (
	first   = flag.Uint64("tieout.seed", 1, "the first seed")
	rounds  = flag.Int("tieout.rounds", 1, "how often each way to keep the books is tried, with other seeds")
	verbose = flag.Bool("tieout.log", false, "with -v: what the services log")
)

// atOnce is how many cases run at a time: most of what they do is wait for the
// pipeline to come to rest.
const atOnce = 5

// TestBooksTieOutWhateverMoves tries every way to keep the books: a minute on
// one core. The long form is `make tieout`, which is
//
//	go test ./cmd/millrace/internal/tieout -tieout.rounds 20 -timeout 60m
//
// A case that fails is repeated by its name and seed:
//
//	go test ./cmd/millrace/internal/tieout -run 'TieOut/summary-journal-per_transaction/17' -tieout.rounds 20
func TestBooksTieOutWhateverMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole pipeline")
	}
	seed := *first
	tally := make(chan *player, 18**rounds)
	var running sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for range *rounds {
		for _, mode := range []ledger.Mode{ledger.Detailed, ledger.Summary} {
			for _, refunds := range []ledger.RefundStyle{ledger.RefundDocument, ledger.RefundCreditMemo, ledger.RefundJournal} {
				for _, fees := range []ledger.FeeStyle{ledger.FeesPerPayout, ledger.FeesPerTransaction, ledger.FeesOnPayments} {
					k := keeping{mode: mode, refunds: refunds, fees: fees, byHand: seed%4 == 0}
					name, mine := fmt.Sprintf("%s-%s-%s/%d", mode, refunds, fees, seed), seed
					seed++
					room <- struct{}{}
					running.Go(func() {
						t.Run(name, func(t *testing.T) { tally <- tie(t, mine, k) })
						<-room
					})
				}
			}
		}
	}
	running.Wait()
	close(tally)
	everything(t, tally)
}

// tie plays the script of a seed on books that are kept so.
func tie(t *testing.T, seed uint64, k keeping) *player {
	t.Helper()
	s := draw(seed)
	if k.mode == ledger.Detailed && seed%3 == 0 { // changes in the middle
		k.summary = s.start.Truncate(day).AddDate(0, 0, len(s.days)*2/3)
	}
	began := time.Now()
	w := newWorld(t, s, k)
	p := play(w, s)
	// Quiet is: nothing to do for as long as it takes to look for what nobody
	// told of, twice.
	w.pass(2 * day)
	var bad []string
	quiet, judged := time.Now(), 0
	w.wait(patience, func() bool {
		if !w.idle() {
			quiet = time.Now()
		}
		if time.Since(quiet) < 3*checkEvery {
			return false
		}
		quiet, judged = time.Now(), judged+1
		bad = w.judge(k)
		return len(bad) == 0 || judged == 3 // a busy machine may still be about to look
	})
	if judged == 0 {
		bad = append([]string{"the pipeline does not come to rest"}, w.judge(k)...)
	}
	for _, b := range bad {
		t.Error(b)
	}
	if t.Failed() {
		t.Logf("%+v", k)
		for i, acts := range s.days {
			t.Logf("day %d: %v", i, acts)
		}
	}
	t.Logf("%v; did %v; refused %v", time.Since(began), p.did, p.refusals)
	return p
}

// everything sees that the cases together did all that there is: what is
// never done proves nothing.
func everything(t *testing.T, tally <-chan *player) {
	t.Helper()
	did, cases := map[string]int{}, 0
	for p := range tally {
		cases++
		for what, n := range p.did {
			did[what] += n
		}
	}
	if cases < 18 {
		return // somebody looks at one of them
	}
	for _, what := range slices.Sorted(maps.Keys(weights())) {
		if did[what] == 0 && what != "declined" {
			t.Errorf("nobody did: %s", what)
		}
	}
	for _, typ := range movementTypes() {
		if did["type "+typ] == 0 {
			t.Errorf("no movement of type %s", typ)
		}
	}
	t.Logf("%d cases: %v", cases, did)
}
