package budget

import "time"

// pace is a rate limit as the gap between two tokens: a token may be taken when
// the tokens taken so far, one gap each, reach at most burst gaps into the
// future. Its whole state is the time up to which tokens are spent.
type pace struct {
	gap   time.Duration // 0: no limit
	burst int           // how many tokens save up while nobody asks
	life  time.Duration // a token is used within this time, or lost
}

// minLife leaves time for the broker's answer.
const minLife = 250 * time.Millisecond

// newPace makes the pace that keeps any span of the length per at n requests:
// those taken up to life before it may still be used in it, and clocks that
// differ by a twentieth of it are forgiven.
func newPace(n int, per time.Duration) pace {
	if n <= 0 {
		return pace{}
	}
	life := max(per/15, min(minLife, per/4))
	span := per + life + per/20
	burst := max(1, n/8)
	return pace{gap: span/time.Duration(n-burst+1) + 1, burst: burst, life: life}
}

// unlimited stands for as many as anybody wants.
const unlimited = 1 << 30

// left is how many tokens can be taken now.
func (p pace) left(spent, now time.Time) int {
	if p.gap == 0 {
		return unlimited
	}
	debt := max(spent.Sub(now), 0)
	return max(0, int((time.Duration(p.burst)*p.gap-debt)/p.gap))
}

// take spends n tokens.
func (p pace) take(spent, now time.Time, n int) time.Time {
	if p.gap == 0 || n == 0 {
		return spent
	}
	if spent.Before(now) {
		spent = now
	}
	return spent.Add(time.Duration(n) * p.gap)
}

// ready is when n tokens can be taken.
func (p pace) ready(spent time.Time, n int) time.Time {
	return spent.Add(-time.Duration(p.burst-n) * p.gap)
}

// reserve is how many tokens polling leaves for posting.
func (p pace) reserve() int { return p.burst / 2 }

// spare is how many tokens may be taken ahead of need: some, while there are
// plenty.
func (p pace) spare(left int) int {
	if p.gap == 0 || left <= p.burst/2 {
		return 0
	}
	return min(p.burst/4, left-p.burst/2)
}
