package twinfault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The modes. Each twin understands some of them.
const (
	Delay             = "delay"
	Status            = "status"
	StatusAfterCommit = "status_after_commit"
	CutBefore         = "cut_before"
	CutAfterCommit    = "cut_after_commit"
	BadGateway        = "bad_gateway"
	Unavailable       = "unavailable"
	SlowBody          = "slow_body"
	CutBody           = "cut_body"
	ExpireToken       = "expire_token"
	Queued            = "queued"
	ClosePeriod       = "close_period"
)

// An Action is what a twin has to do to a request. The zero value is to serve
// it as usual.
type Action struct {
	Mode       string
	Status     int           // of status and status_after_commit
	Variant    string        // of that status; "" is the usual shape
	Duration   time.Duration // of delay, slow_body and queued
	Period     string        // of close_period, YYYY-MM
	RetryAfter time.Duration // 0: the header is left out
}

// answers reports whether the fault itself is what the client reads.
func (a Action) answers() bool {
	return slices.Contains([]string{Status, StatusAfterCommit, BadGateway, Unavailable}, a.Mode)
}

// A Vocabulary is what one twin understands.
type Vocabulary struct {
	System       string           // for messages
	Modes        []string         // of the constants above
	LowestStatus int              // the least status that the system can fail with
	Variants     map[int][]string // the shapes of a status that has several
}

// usage is how each mode is written.
var usage = map[string]string{
	Delay: "delay:DURATION", Status: "status:NNN[:VARIANT]", StatusAfterCommit: "status_after_commit:NNN[:VARIANT]",
	SlowBody: "slow_body:DURATION", Queued: "queued:DURATION", ClosePeriod: "close_period:YYYY-MM",
	CutBefore: CutBefore, CutAfterCommit: CutAfterCommit, BadGateway: BadGateway, Unavailable: Unavailable, CutBody: CutBody, ExpireToken: ExpireToken,
}

func (v Vocabulary) parse(mode string) (Action, error) {
	name, arg, colon := strings.Cut(mode, ":")
	act := Action{Mode: name}
	if !slices.Contains(v.Modes, name) {
		known := make([]string, 0, len(v.Modes))
		for _, m := range v.Modes {
			known = append(known, usage[m])
		}
		return act, fmt.Errorf("mode %q: the %s twin knows %s", mode, v.System, strings.Join(known, ", "))
	}
	var err error
	switch name {
	case Delay, SlowBody, Queued:
		if act.Duration, err = time.ParseDuration(arg); err != nil || act.Duration <= 0 {
			err = errors.New("want a duration such as 300ms or 5m")
		}
	case Status, StatusAfterCommit:
		act.Status, act.Variant, err = v.status(arg)
	case ClosePeriod:
		act.Period = arg
		if _, bad := time.Parse("2006-01", arg); bad != nil {
			err = errors.New("want a month such as 2026-05")
		}
	default:
		if colon {
			err = errors.New("takes nothing after its name")
		}
	}
	if err != nil {
		return act, fmt.Errorf("mode %q: %s: %w", mode, usage[name], err)
	}
	return act, nil
}

func (v Vocabulary) status(arg string) (status int, variant string, err error) {
	number, variant, named := strings.Cut(arg, ":")
	status, err = strconv.Atoi(number)
	if err != nil || status < v.LowestStatus || status > 599 {
		return 0, "", fmt.Errorf("want a status from %d to 599", v.LowestStatus)
	}
	if !named || slices.Contains(v.Variants[status], variant) {
		return status, variant, nil
	}
	if len(v.Variants[status]) == 0 {
		return 0, "", fmt.Errorf("%d has one shape only", status)
	}
	return 0, "", fmt.Errorf("want %s as the variant of %d", strings.Join(v.Variants[status], ", "), status)
}
