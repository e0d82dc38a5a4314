package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is how long the unit of processor time in /proc is. Linux: always
// 10 ms for programs.
const clockTick = 10 * time.Millisecond

// A process is a running twin.
type process struct {
	cmd *exec.Cmd
	dir string
	url string
}

// start builds millrace, runs it with args and waits until it listens; it
// returns when it began to run.
func start(ctx context.Context, args []string) (*process, time.Time, error) {
	dir, err := os.MkdirTemp("", "bench-twins-")
	if err != nil {
		return nil, time.Time{}, err
	}
	p := &process{dir: dir}
	bin := filepath.Join(dir, "millrace")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/millrace") //nolint:gosec // our own program
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, time.Time{}, errors.Join(fmt.Errorf("build millrace: %w", err), os.RemoveAll(dir))
	}
	p.cmd = exec.CommandContext(ctx, bin, append(args, "--listen", "127.0.0.1:0")...) //nolint:gosec // as above
	p.cmd.Stderr = os.Stderr
	began := time.Now()
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, time.Time{}, errors.Join(fmt.Errorf("start the twin: %w", err), os.RemoveAll(dir))
	}
	address := regexp.MustCompile(`http://[0-9.]+:[0-9]+`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if p.url = address.FindString(lines.Text()); p.url != "" {
			go func() {
				for lines.Scan() { // so that the twin can go on printing
					continue
				}
			}()
			return p, began, nil
		}
	}
	p.stop()
	return nil, time.Time{}, errors.New("the twin ended before it listened")
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	_ = os.RemoveAll(p.dir)
}

// memory is what the kernel says the twin has, and had at most.
func (p *process) memory() string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return "memory: not known here"
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		if err == nil && (name == "VmRSS" || name == "VmHWM") {
			out = append(out, fmt.Sprintf("%s %d MiB", name, kb>>10))
		}
	}
	return strings.Join(out, ", ")
}

// cpu is the processor time that the twin took so far, or 0 where the kernel
// does not say.
func (p *process) cpu() time.Duration {
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
