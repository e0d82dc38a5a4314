package config

import _ "embed" // the sample is a file of its own, so that editors understand it

//go:embed template.yaml
var template string

// Template is an annotated sample that becomes valid once the environment
// variables it names are set.
func Template() string { return template }
