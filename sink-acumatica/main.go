// Command sink-acumatica carries out the intents meant for Acumatica.
package main

import (
	"millrace/internal/service"
	"millrace/sink-acumatica/acusink"
)

func main() { service.Main(acusink.Service) }
