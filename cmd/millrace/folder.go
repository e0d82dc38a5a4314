package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"millrace/internal/fault"
)

// A folder is a data directory in the hands of this process. Nobody else may
// work on it meanwhile.
type folder struct {
	dir    string
	unlock func() error
}

// installation is what a data directory holds, written when it is first used.
type installation struct {
	Demo        bool     `json:"demo"`
	Connections []string `json:"connections"`
}

// running is how other processes of the machine reach the one that works on a
// data directory. It holds a credential: mode 0600.
type running struct {
	PID       int       `json:"pid"`
	NATSURL   string    `json:"nats_url"`
	NATSToken string    `json:"nats_token,omitempty"`
	Ingest    string    `json:"ingest"` // host:port
	Ops       string    `json:"ops,omitempty"`
	StartedAt time.Time `json:"started_at"`
}

const (
	installationFile = "installation.json"
	runningFile      = "run.json"
	lockFile         = "lock"
)

// openFolder makes and locks a data directory. config.data_dir_locked when
// another process has it, config.data_dir when it cannot be made.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.New("config.data_dir", err)
	}
	unlock, err := lock(filepath.Join(dir, lockFile))
	if errors.Is(err, errLocked) {
		return nil, fault.Newf("config.data_dir_locked", "%s: %w", dir, err)
	}
	if err != nil {
		return nil, fault.New("config.data_dir", err)
	}
	return &folder{dir: dir, unlock: unlock}, nil
}

// claimFolder opens a data directory for what it is to hold.
func claimFolder(dir string, in installation) (*folder, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	if err := f.claim(in); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// claim records what the directory is for, and refuses one that is for
// something else: the demo's made-up payments never meet real ones.
func (f *folder) claim(in installation) error {
	old, found, err := readJSON[installation](filepath.Join(f.dir, installationFile))
	if err != nil {
		return err
	}
	if found && old.Demo != in.Demo {
		return fault.Newf("config.data_dir_kind", "%s: demo data: %v, wanted: %v", f.dir, old.Demo, in.Demo)
	}
	// What one that was killed announced leads nowhere.
	if err := os.Remove(filepath.Join(f.dir, runningFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New("config.data_dir", err)
	}
	return writeJSON(filepath.Join(f.dir, installationFile), in)
}

// announce tells other processes how to reach this one.
func (f *folder) announce(r running) error { return writeJSON(filepath.Join(f.dir, runningFile), r) }

// Close takes the announcement back and lets go of the directory.
func (f *folder) Close() error {
	err := os.Remove(filepath.Join(f.dir, runningFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.unlock())
}

// readInstallation reads what a directory holds without locking it.
func readInstallation(dir string) (installation, bool, error) {
	return readJSON[installation](filepath.Join(dir, installationFile))
}

// readRunning reads how to reach the process that works on a directory. The
// file may be left over from one that was killed.
func readRunning(dir string) (running, bool, error) {
	return readJSON[running](filepath.Join(dir, runningFile))
}

func readJSON[T any](path string) (v T, found bool, err error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err != nil {
		return v, false, fault.New("config.data_dir", err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, false, fault.Newf("config.data_dir", "%s: %w", path, err)
	}
	return v, true, nil
}

// writeJSON replaces a file in one step, so that nobody reads half of it.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return fault.New("config.data_dir", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fault.New("config.data_dir", err)
	}
	return nil
}
