// Package flows ships the flow documents that every connection starts with.
// Each has golden cases beside it: an event, the settings and the facts on one
// side, what comes out on the other.
package flows

import (
	"embed"

	"millrace/transform/flow"
)

// Files holds the documents as they are shipped, *.yaml at the root.
//
//go:embed *.yaml
var Files embed.FS

// Load reads the shipped documents; the error is flow.document_invalid.
func Load() ([]*flow.Document, error) { return flow.Load(Files) }
