package demo

import (
	"slices"
	"sync"
	"time"

	"millrace/cmd/millrace/internal/mirroryear"
	"millrace/internal/acumaticatwin"
)

// worths is what was open of each document in Acumatica, from when on: as the
// stand-in books it, not as anybody reads it.
type worths struct {
	mu   sync.Mutex
	list map[string][]worth // by number
}

type worth struct {
	from time.Time // our clock
	open int64     // minor units of currencies that have a hundred of them
}

// note is told of each change of a document.
func (w *worths) note(i acumaticatwin.InvoiceView) {
	if !slices.Contains(mirroryear.Receivables(), i.Type) {
		return
	}
	now := worth{from: time.Now()}
	if i.Status == "Open" {
		now.open = i.Balance.Shift(2).IntPart()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.list == nil {
		w.list = map[string][]worth{}
	}
	w.list[i.ReferenceNbr] = append(w.list[i.ReferenceNbr], now)
}

// most is the largest amount that was open between two instants.
func (w *worths) most(number string, from, until time.Time) (most int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.list[number] {
		switch {
		case at.from.After(until):
			return most
		case at.from.Before(from): // what came before counts only until the next
			most = at.open
		default:
			most = max(most, at.open)
		}
	}
	return most
}
