// Command sink-stripe makes Stripe customers and invoices of intents.
package main

import (
	"millrace/internal/service"
	"millrace/sink-stripe/stripesink"
)

func main() { service.Main(stripesink.Service) }
