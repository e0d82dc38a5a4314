//go:build !unix

package main

import (
	"errors"
	"os"
)

var errLocked = errors.New("another process works here")

// lock keeps a file open that the system does not let a second process
// remove or replace meanwhile.
func lock(path string) (unlock func() error, err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(errLocked, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator names the folder
	if errors.Is(err, os.ErrExist) {
		return nil, errors.Join(errLocked, err)
	}
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}
