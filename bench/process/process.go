// Package process runs millrace as processes of its own, so that a benchmark
// can say what each of them took.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is how long the unit of processor time in /proc is. Linux: always
// 10 ms for programs.
const clockTick = 10 * time.Millisecond

// A Process is millrace running.
type Process struct {
	URL     string            // where it listens
	Exports map[string]string // the settings that a twin prints, to work against it
	Began   time.Time         // when it began to run

	cmd *exec.Cmd
}

// Build builds millrace into a file.
func Build(ctx context.Context, bin string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/millrace") //nolint:gosec // our own program
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build millrace: %w", err)
	}
	return nil
}

// Start runs millrace with settings ("NAME=value") and arguments, and returns
// once it has printed a line with the text ready and an address.
func Start(ctx context.Context, bin, ready string, env []string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, bin, args...), Exports: map[string]string{}, Began: time.Now()} //nolint:gosec // as above
	p.cmd.Stderr, p.cmd.Env = os.Stderr, append(os.Environ(), env...)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start millrace %s: %w", args[0], err)
	}
	address := regexp.MustCompile(`http://[0-9.]+:[0-9]+`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if p.URL == "" {
			p.URL = address.FindString(lines.Text())
		}
		if export, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "export "); ok {
			name, value, _ := strings.Cut(export, "=")
			p.Exports[name] = value
		}
		if p.URL != "" && strings.Contains(lines.Text(), ready) {
			go func() {
				for lines.Scan() { // so that it can go on printing
					continue
				}
			}()
			return p, nil
		}
	}
	p.Stop()
	return nil, errors.New("millrace " + args[0] + " ended before it listened")
}

// Stop lets the process end.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// Memory is what the kernel says the process has, and had at most, in MiB; 0
// where the kernel does not say.
func (p *Process) Memory() (now, most int) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(value, " kB")))
		switch {
		case err != nil:
		case name == "VmRSS":
			now = kb >> 10
		case name == "VmHWM":
			most = kb >> 10
		}
	}
	return now, most
}

// CPU is the processor time that the process took so far, or 0 where the
// kernel does not say.
func (p *Process) CPU() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * clockTick
}
