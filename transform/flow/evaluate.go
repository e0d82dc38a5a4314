package flow

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"millrace/internal/fault"
	"millrace/schemas"
)

// Evaluate runs the document as far as the facts allow. It is called again
// with more facts until the result has no Needs. Errors are of package fault:
// flow.expression_failed, flow.field_invalid, flow.amount_inexact,
// flow.currency_unknown and flow.budget_exceeded park the event (Invariant 8);
// flow.deadline, when ctx ends first, is tried again.
func Evaluate(ctx context.Context, d *Document, in Input) (Result, error) {
	env := environment(ctx, in)
	res, err := d.run(env, in)
	if err != nil {
		return Result{}, fmt.Errorf("flow %s: %w", d.ID, err)
	}
	return res, nil
}

func (d *Document) run(env map[string]any, in Input) (Result, error) {
	for i, s := range d.steps {
		runs, err := s.runs(env)
		if err != nil {
			return Result{}, s.wrap(err)
		}
		switch {
		case s.when != nil:
			if !runs {
				env[s.id] = true
				continue
			}
			stop, err := s.check(env)
			if err != nil {
				return Result{}, s.wrap(err)
			}
			if stop != nil {
				return *stop, nil
			}
			env[s.id] = true
		case !runs:
			env[s.id] = nil
		case s.let != nil:
			if env[s.id], err = s.let.run(env); err != nil {
				return Result{}, s.wrap(err)
			}
		default:
			fact, known := in.Facts[s.id]
			if !known {
				return d.needs(i, env, in)
			}
			env[s.id] = fact
		}
	}
	return d.build(env, in)
}

// needs collects the unknown step at i and the fetches, links and units right after
// it that do not depend on an unknown, so that one round answers them all. It
// never looks past a when: a flow that skips there reads nothing more.
func (d *Document) needs(i int, env map[string]any, in Input) (Result, error) {
	var res Result
	unknown := make(map[string]bool)
	for _, s := range d.steps[i:] {
		if s.fetch == nil && s.link == nil && s.settle == nil {
			break
		}
		depends := false
		for name := range s.dependency {
			depends = depends || unknown[name]
		}
		if depends {
			unknown[s.id] = true
			continue
		}
		runs, err := s.runs(env)
		if err != nil {
			return Result{}, s.wrap(err)
		}
		if fact, known := in.Facts[s.id]; known || !runs {
			env[s.id] = fact
			continue
		}
		unknown[s.id] = true
		need, err := s.need(env)
		if err != nil {
			return Result{}, s.wrap(err)
		}
		res.Needs = append(res.Needs, need)
	}
	return res, nil
}

func (d *Document) build(env map[string]any, in Input) (Result, error) {
	var res Result
	for _, i := range d.intents {
		made, err := i.buildAll(d, in, env)
		if err != nil {
			return Result{}, fmt.Errorf("intent %s (line %d): %w", i.id, i.line, err)
		}
		res.Intents = append(res.Intents, made...)
	}
	if d.tell != nil {
		var err error
		if res.Tell, err = d.tell.build(env); err != nil {
			return Result{}, fmt.Errorf("tell: %w", err)
		}
	} else if len(res.Intents) == 0 {
		res.Skipped = &Stop{Reason: "flow " + d.ID + " has nothing to ask for"}
		return res, nil
	}
	if d.applied != nil {
		var err error
		if res.Applied, err = d.applied.render(env); err != nil {
			return Result{}, fmt.Errorf("applied: %w", err)
		}
	}
	hash, err := inputHash(in)
	if err != nil {
		return Result{}, err
	}
	for i := range res.Intents {
		res.Intents[i].Flow.InputHash = hash
	}
	return res, nil
}

func (s *step) wrap(err error) error { return fmt.Errorf("step %s (line %d): %w", s.id, s.line, err) }

// runs reports whether the step's own conditions let it run.
func (s *step) runs(env map[string]any) (bool, error) {
	if s.onlyIf != nil {
		holds, err := s.onlyIf.condition(env)
		if err != nil || !holds {
			return false, err
		}
	}
	if s.unless != nil {
		holds, err := s.unless.condition(env)
		return !holds, err
	}
	return true, nil
}

// check is nil when the condition holds, else how the flow ends.
func (s *step) check(env map[string]any) (*Result, error) {
	holds, err := s.when.condition(env)
	if err != nil || holds {
		return nil, err
	}
	reason, err := s.otherwise.reason.render(env)
	if err != nil {
		return nil, err
	}
	stop := &Stop{Code: s.otherwise.code, Reason: reason}
	switch s.otherwise.how {
	case "skip":
		return &Result{Skipped: stop}, nil
	case "retry":
		stop.First, err = s.first(env)
		return &Result{Retry: stop}, err
	}
	return &Result{Parked: stop}, nil
}

// first is what is to be handled before the retry; nil for nothing.
func (s *step) first(env map[string]any) (*First, error) {
	if s.otherwise.first == nil {
		return nil, nil //nolint:nilnil // nil is a value of Stop.First
	}
	keys, err := s.keys([]*expression{s.otherwise.first.event, s.otherwise.first.id}, env)
	if err != nil {
		return nil, err
	}
	return &First{Event: keys[0], ID: keys[1]}, nil
}

func (s *step) need(env map[string]any) (Need, error) {
	if s.link != nil {
		id, err := s.key(s.link.id, env)
		return Need{Step: s.id, Link: &LinkNeed{Kind: s.link.kind, Side: s.link.side, ID: id}}, err
	}
	if s.settle != nil {
		n := &SettleNeed{Unit: s.settle.unit}
		var err error
		n.Keys, err = s.keys(s.settle.keys, env)
		return Need{Step: s.id, Settle: n}, err
	}
	f := &FetchNeed{System: s.fetch.system, Object: s.fetch.object, Expand: s.fetch.expand, Custom: s.fetch.custom, Optional: s.fetch.optional}
	var err error
	f.Keys, err = s.keys(s.fetch.keys, env)
	return Need{Step: s.id, Fetch: f}, err
}

func (s *step) keys(expressions []*expression, env map[string]any) ([]string, error) {
	var keys []string
	for _, e := range expressions {
		key, err := s.key(e, env)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// key is the id to fetch or look up by; it must be a text that is not empty
// (Invariant 8: nothing is looked up by a guess).
func (s *step) key(e *expression, env map[string]any) (string, error) {
	v, err := e.run(env)
	if err != nil {
		return "", err
	}
	if id, ok := v.(string); ok && id != "" {
		return id, nil
	}
	return "", fault.Newf("flow.expression_failed", "%s where an id is needed", kindOf(v))
}

// Steps lists the ids of the document's steps in order.
func (d *Document) Steps() []string {
	ids := make([]string, len(d.steps))
	for i, s := range d.steps {
		ids[i] = s.id
	}
	return ids
}

// Codes lists the fault codes with which the document parks or retries.
func (d *Document) Codes() []string {
	codes := make(map[string]bool)
	for _, s := range d.steps {
		if s.otherwise != nil && s.otherwise.code != "" {
			codes[s.otherwise.code] = true
		}
	}
	return slices.Sorted(maps.Keys(codes))
}

// LinkFact is the form in which a link that was found goes into Facts.
func LinkFact(kind, acumaticaID, stripeID string, attributes map[string]string) any {
	a := make(map[string]any, len(attributes))
	for key, value := range attributes {
		a[key] = value
	}
	side := map[string]any{"kind": kind, schemas.Acumatica + "_id": acumaticaID, schemas.Stripe + "_id": stripeID, "attributes": a}
	return side
}
