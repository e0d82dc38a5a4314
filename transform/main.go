// Command transform turns events into intents: it fetches the object again
// from its system, evaluates the flow documents, and publishes what must
// become true on the other side.
package main

import (
	"millrace/internal/service"
	"millrace/transform/stage"
)

func main() { service.Main(stage.Service) }
