package stripetwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// keyLifetime is how long a key is remembered, in seconds. Stripe: at least 24
// hours, then it may be pruned; the twin prunes right then, so that nobody
// relies on more.
const keyLifetime = 24 * 3600

// kept is the first result of an idempotency key. The same key with the same
// parameters gets it again; with others it is refused. Invariant 2.
type kept struct {
	head
	Signature string // of endpoint and parameters
	Path      string
	Status    int
	Body      json.RawMessage // without white space
	Plain     string          // the body when it is no JSON
	Header    map[string]string
	Request   string // the request that was executed
}

// keyColumns: a key is dropped at the end of its life.
func keyColumns() []column[kept] {
	return []column[kept]{dueAt(func(k *kept) int64 { return k.Created + keyLifetime })}
}

// begin returns the answer when the key was used before, and otherwise
// reserves it for c until end.
func (t *Twin) begin(c *call, sig string) *answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inFlight[c.key] {
		return errorAnswer(keyInUse(c.key), c)
	}
	k := t.s.Keys.get(keyPrefix + c.key)
	if k != nil && c.now >= k.Created+keyLifetime {
		k = nil // the next tick drops it
	}
	if k == nil {
		t.inFlight[c.key] = true
		return nil
	}
	if k.Signature != sig {
		msg := "Keys for idempotent requests can only be used with the same parameters they were first used with."
		if k.Path != c.path {
			msg = fmt.Sprintf("Keys for idempotent requests can only be used for the same endpoint they were first used for ('%s' vs '%s').", c.path, k.Path)
		}
		return errorAnswer(&apiError{
			status: http.StatusBadRequest, typ: "idempotency_error",
			msg: msg + fmt.Sprintf(" Try using a key other than '%s' if you meant to execute a different request.", c.key),
		}, c)
	}
	if len(t.s.dirty) > 0 { // the disk did not take what the first answer was to tell of
		if err := t.commit(); err != nil {
			return errorAnswer(notSaved(), c)
		}
	}
	a := &answer{status: k.Status, body: k.body(), header: map[string]string{"Original-Request": k.Request}, replayed: true}
	maps.Copy(a.header, k.Header)
	return a
}

func keyInUse(key string) *apiError {
	return &apiError{
		status: http.StatusConflict, typ: "idempotency_error", code: "idempotency_key_in_use",
		msg: "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): " + key + ". If you want to retry this request, please wait a moment.",
	}
}

func (t *Twin) end(c *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.inFlight, c.key)
}

// keep stores the result of an executed request; the caller holds mu and
// commits it together with what the request changed, so that a crash can not
// separate them. Invariant 7.
func (t *Twin) keep(c *call, sig string, a *answer) {
	k := &kept{
		head: t.newHead(c, keyPrefix+c.key), Signature: sig, Path: c.path, Status: a.status,
		Header: a.header, Request: c.request,
	}
	var b bytes.Buffer
	if err := json.Compact(&b, a.body); err == nil {
		k.Body = b.Bytes()
	} else {
		k.Plain = string(a.body)
	}
	t.s.Keys.put(k)
}

// body is the answer as it was first sent.
func (k *kept) body() []byte {
	if k.Plain != "" {
		return []byte(k.Plain)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, k.Body, "", "  "); err != nil {
		panic("stripetwin: " + err.Error()) // impossible: keep made it
	}
	b.WriteByte('\n')
	return b.Bytes()
}
