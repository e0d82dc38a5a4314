package schemas

import "embed"

// Files holds the JSON Schemas, <name>.v1.schema.json, and one or more
// examples of each, examples/<name>.v1.<case>.json. A schema's $id is Base
// and its file name.
//
//go:embed *.schema.json examples/*.json
var Files embed.FS

// Base is what the $id of every schema starts with; it names, it is not
// fetched.
const Base = "https://millrace.dev/schemas/"
