// Command ingest runs the Stripe webhook endpoint alone in a process.
package main

import (
	"millrace/ingest/webhook"
	"millrace/internal/service"
)

func main() { service.Main(webhook.Service) }
