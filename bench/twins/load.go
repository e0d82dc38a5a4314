package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"millrace/bench/process"
)

// A load is one kind of request, or a few that belong together: turn sends the
// requests of the nth turn with ask. It is called from several goroutines.
type load struct {
	name string
	turn func(n int64, ask func(*http.Request) ([]byte, error)) error
}

// A result is what came of a load.
type result struct {
	name   string
	took   time.Duration
	each   []time.Duration // sorted
	failed int64
	why    error // of the first failure
	cpu    time.Duration
}

// run repeats the load from so many connections at a time.
func (l load) run(ctx context.Context, p *process.Process, clients int, lasts time.Duration) result {
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	var n, failed atomic.Int64
	var first atomic.Pointer[error]
	each := make([][]time.Duration, clients)
	cpu, began := p.CPU(), time.Now()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				err := l.turn(n.Add(1), func(req *http.Request) ([]byte, error) {
					at := time.Now()
					body, err := send(client, req)
					if err == nil {
						each[i] = append(each[i], time.Since(at))
					}
					return body, err
				})
				if err != nil && failed.Add(1) == 1 {
					first.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	all := slices.Concat(each...)
	slices.Sort(all)
	res := result{name: l.name, took: time.Since(began), each: all, failed: failed.Load(), cpu: p.CPU() - cpu}
	if e := first.Load(); e != nil {
		res.why = *e
	}
	return res
}

func send(client *http.Client, req *http.Request) ([]byte, error) {
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode > 299 {
		err = fmt.Errorf("%s %s: %s %s", req.Method, req.URL.Path, res.Status, body)
	}
	return body, err
}

func (r result) String() string {
	n := len(r.each)
	if n == 0 {
		return fmt.Sprintf("%-44s nothing came back, %d failed: %v", r.name, r.failed, r.why)
	}
	ms := func(share float64) float64 { return float64(r.each[int(share*float64(n-1))].Microseconds()) / 1000 }
	line := fmt.Sprintf("%-44s %9.0f %9.2f %9.2f %8d %12d", r.name, float64(n)/r.took.Seconds(), ms(0.5), ms(0.99), r.failed, r.cpu.Microseconds()/int64(n))
	if r.why != nil {
		line += "\n  " + r.why.Error()
	}
	return line
}
