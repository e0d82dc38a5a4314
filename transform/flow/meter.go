package flow

import (
	"context"
	"fmt"

	"millrace/internal/fault"
)

// Budgets of one evaluation. A flow over an invoice of 250 lines takes about
// 5,000 steps.
const (
	maxSteps  = 1_000_000
	maxMemory = 200_000 // elements of the lists and maps that one expression makes
	maxText   = 64 << 10
	maxNodes  = 1_000 // syntax nodes of one expression
)

// meter counts what an evaluation costs. Every operator, function call and
// turn of a loop is one step, so the budget is the same on every machine; the
// deadline is the caller's.
type meter struct {
	ctx   context.Context //nolint:containedctx // lives for one Evaluate only, as the environment of its expressions
	books Books
	steps int
}

func (m *meter) tick(n int) error {
	before := m.steps
	m.steps += n
	if m.steps > maxSteps {
		return fault.Newf("flow.budget_exceeded", "more than %d steps", maxSteps)
	}
	if before>>10 != m.steps>>10 || before == 0 {
		if err := m.ctx.Err(); err != nil {
			return fault.Newf("flow.deadline", "after %d steps: %w", m.steps, err)
		}
	}
	return nil
}

// text lets s pass unless it is too long; a step for every 64 bytes.
func (m *meter) text(s string) (any, error) {
	if len(s) > maxText {
		return nil, fault.New("flow.budget_exceeded", fmt.Errorf("a text of %d bytes", len(s)))
	}
	return s, m.tick(len(s) / 64)
}
