package stripesink

import (
	"fmt"
	"testing"

	"millrace/schemas"
)

func TestAFailureKeptUnderAKeyIsTriedUnderAnother(t *testing.T) {
	for n := 1; n <= 6; n++ { // the customer, the draft, three items, the finalisation
		t.Run(fmt.Sprintf("write %d", n), func(t *testing.T) {
			w := newWorld(t)
			w.failKey = n
			cust, in := customerIntent("1", "Ada"), invoiceIntent(nil)
			if n == 1 {
				_ = w.refuse(cust, "stripe.server_error")
			}
			w.apply(cust, schemas.Applied)
			if n > 1 {
				_ = w.refuse(in, "stripe.server_error")
			}
			w.apply(in, schemas.Applied)
			w.oneCustomer()
			w.oneInvoice(in)
		})
	}
}
