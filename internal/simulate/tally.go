package simulate

// A Tally counts what runs did, so that a green result can be told from an
// empty one.
type Tally struct {
	Customers int `json:"customers"`
	Invoices  int `json:"invoices"`  // released in Acumatica
	Charges   int `json:"charges"`   // made in Stripe
	Payments  int `json:"payments"`  // posted in Acumatica
	Faults    int `json:"faults"`    // steps of all kinds that went wrong
	Killed    int `json:"killed"`    // processes
	Paused    int `json:"paused"`    // processes
	Restarted int `json:"restarted"` // brokers
}

// Add adds what a run did.
func (t *Tally) Add(r Result) {
	t.Customers += r.Did.Customers
	t.Invoices += r.Did.Invoices
	t.Charges += r.Did.Charges
	t.Payments += r.Did.Payments
	t.Faults += r.Did.Faults
	t.Killed += r.Did.Killed
	t.Paused += r.Did.Paused
	t.Restarted += r.Did.Restarted
}
