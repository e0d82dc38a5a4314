package simulate

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"time"
)

// guard runs f, for at most limit: a run that hangs ends with an error that
// says what every goroutine waits for. What hangs is left alone then.
func guard[T any](limit time.Duration, what string, f func() (T, error)) (T, error) {
	type end struct {
		v   T
		err error
	}
	ended := make(chan end, 1)
	go func() {
		v, err := f()
		ended <- end{v, err}
	}()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case e := <-ended:
		return e.v, e.err
	case <-t.C:
		var zero T
		return zero, fmt.Errorf("%s hangs after %v; everybody waits like this:\n%s", what, limit, stacks())
	}
}

// stacksMax bounds what is told of all goroutines, in bytes.
const stacksMax = 64 << 10

// stacks tells what all goroutines do, the same ones once.
func stacks() []byte {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return []byte(err.Error())
	}
	return b.Bytes()[:min(b.Len(), stacksMax)]
}
