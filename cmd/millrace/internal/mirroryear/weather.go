package mirroryear

import (
	"context"
	"time"
)

// Systems that a line can break to.
const (
	Acumatica = "acumatica"
	Stripe    = "stripe"
)

const clockSetBack = "clock of Acumatica set back an hour"

func weathers() []string {
	return []string{"line to " + Acumatica + " broken for days", "line to " + Stripe + " broken for days", clockSetBack}
}

// weather puts into the diary what nobody does: every tenth of the year a line
// breaks for some days, and in the middle the clock is set back.
func (f *office) weather() {
	for n, at := 0, f.Days/10+1; at+4 < f.Days; n, at = n+1, at+f.Days/10+2 {
		system := []string{Acumatica, Stripe}[n%2]
		f.plot(at, func(context.Context) error { return f.breaks(system, 1+f.dice.IntN(3)) })
	}
	f.plot(f.Days/2, func(context.Context) error {
		f.World.SetBack(time.Hour)
		f.played.Did[clockSetBack]++
		return nil
	})
}

func (f *office) plot(on int, do func(ctx context.Context) error) {
	f.diary[on] = append(f.diary[on], do)
}

// breaks breaks a line for so many days.
func (f *office) breaks(system string, days int) error {
	f.played.Did["line to "+system+" broken for days"]++
	f.broken++
	f.World.Cut(system, true)
	f.later(days, func(context.Context) error {
		f.broken--
		f.World.Cut(system, false)
		return nil
	})
	return nil
}
