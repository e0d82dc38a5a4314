// Command source-acumatica runs the Acumatica poller alone in a process.
package main

import (
	"millrace/internal/service"
	"millrace/source-acumatica/poller"
)

func main() { service.Main(poller.Service) }
