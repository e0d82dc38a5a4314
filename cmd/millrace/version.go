package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what `version` tells, out of the build information that Go puts
// into every binary.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"` // built from a changed working copy
	Time     string `json:"time"`     // of the revision, RFC 3339
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "version", Short: "Which build this is", Args: cobra.NoArgs,
		Example: "  millrace version --json",
	}
	return a.leaf(c, func(context.Context, []string) (*reply, error) {
		b := readBuild()
		return &reply{
			summary: "millrace " + b.Version,
			result:  b,
			text: func(w io.Writer) {
				fmt.Fprintf(w, "millrace %s\nrevision %s %s\n%s %s\n", b.Version, b.Revision, b.Time, b.Go, b.Platform)
			},
		}, nil
	})
}

func readBuild() build {
	b := build{Version: "unknown", Revision: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Time = s.Value
		}
	}
	return b
}
