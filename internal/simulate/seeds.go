package simulate

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Seeds runs the plans of n seeds from first on, parallel of them at a time,
// and tells each result as it comes, one at a time. It ends with the first
// error of the simulation itself; what the oracle finds is no error.
func Seeds(ctx context.Context, o Options, first uint64, n, parallel int, tell func(Result)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := make(chan uint64)
	go func() {
		defer close(next)
		for i := range n {
			select {
			case next <- first + uint64(i):
			case <-ctx.Done():
				return
			}
		}
	}()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
	)
	for range max(1, min(parallel, n)) {
		wg.Go(func() {
			for seed := range next {
				res, end, err := run(ctx, o, NewPlan(seed))
				wg.Go(func() { // the next one need not wait until this one is all gone
					if err := end(); err != nil {
						mu.Lock()
						failed = cmp.Or(failed, err)
						mu.Unlock()
					}
				})
				mu.Lock()
				switch {
				case err != nil && failed == nil:
					failed = err
					cancel()
				case err == nil:
					tell(res)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

// Shrink looks for a smaller plan that still fails, leaving out one step after
// the other, the ones that go wrong first, until nothing more can go or the
// time is up. A step whose absence hides the failure stays.
func Shrink(ctx context.Context, o Options, failed Result, limit time.Duration) (Result, error) {
	until := time.Now().Add(limit)
	best := failed
	for _, faults := range []bool{true, false} {
		for i := range slices.Backward(best.Plan.Steps) {
			if best.Plan.Steps[i].fault() != faults {
				continue
			}
			if time.Now().After(until) {
				return best, nil
			}
			smaller := best.Plan
			smaller.Steps = slices.Delete(slices.Clone(best.Plan.Steps), i, i+1)
			res, err := Run(ctx, o, smaller)
			if err != nil {
				return best, err
			}
			if !res.OK() {
				best = res
			}
		}
	}
	return best, nil
}
