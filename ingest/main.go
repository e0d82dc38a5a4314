// Command ingest runs the Stripe webhook endpoint, and the sweep for what no
// webhook brought.
package main

import (
	"millrace/ingest/sweep"
	"millrace/ingest/webhook"
	"millrace/internal/service"
)

func main() { service.Main(webhook.Service, sweep.Service) }
