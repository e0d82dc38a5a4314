package journalfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// open reads a journal into a list.
func open(t *testing.T, path string) (*File, []string) {
	t.Helper()
	var got []string
	j, err := Open(path, func(n int, text []byte) error {
		if n != len(got)+1 {
			t.Errorf("line number: got %d, want %d", n, len(got)+1)
		}
		got = append(got, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j, got
}

func replace(t *testing.T, j *File, lines ...string) {
	t.Helper()
	err := j.Replace(func(emit func([]byte) error) error {
		for _, l := range lines {
			if err := emit([]byte(l)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, j *File, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if err := j.Append([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestLinesComeBackInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, got := open(t, path)
	same(t, "no file", got, nil)
	if !j.Empty() || !j.Due() {
		t.Error("a journal without a file is empty and due")
	}
	if err := j.Append([]byte("early")); err == nil {
		t.Error("append before the first snapshot: want an error")
	}
	long := strings.Repeat("x", bufferSize+7) + "|" + strings.Repeat("y", bufferSize)
	replace(t, j, "a", long)
	add(t, j, "c", "")
	j, got = open(t, path)
	same(t, "opened again", got, []string{"a", long, "c", ""})
	add(t, j, "d")
	_, got = open(t, path)
	same(t, "appended after opening", got, []string{"a", long, "c", "", "d"})
}

// A kill can end a write after any byte: what is whole stays, the rest goes,
// and what is appended then starts on a line of its own.
func TestTornTailIsDroppedAtEveryByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	whole := []byte("first\nsecond\nthird\n")
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		kept := strings.Split(string(whole[:n]), "\n")
		kept = kept[:len(kept)-1]
		j, got := open(t, path)
		same(t, fmt.Sprint(n, " bytes"), got, slices.Clip(kept))
		add(t, j, "new")
		_, got = open(t, path)
		same(t, fmt.Sprint(n, " bytes, then a line"), got, append(slices.Clip(kept), "new"))
	}
}

func TestFailedReplaceKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _ := open(t, path)
	replace(t, j, "old")
	err := j.Replace(func(emit func([]byte) error) error {
		if err := emit([]byte("half")); err != nil {
			return err
		}
		return os.ErrInvalid
	})
	if err == nil {
		t.Error("want the error of the writer")
	}
	if err := j.Replace(func(emit func([]byte) error) error { return emit([]byte("a\nb")) }); err == nil {
		t.Error("a line end inside a line: want an error")
	}
	add(t, j, "more")
	_, got := open(t, path)
	same(t, "after failures", got, []string{"old", "more"})
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("files left: %v, %v", files, err)
	}
}

// A write that fails leaves no half line, and nothing is lost of what was
// written before.
func TestFailedAppendLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _ := open(t, path)
	replace(t, j, "a")
	if err := j.Append([]byte("b\nc")); err == nil {
		t.Error("a line end inside a line: want an error")
	}
	if err := j.f.Close(); err != nil { // the disk goes away
		t.Fatal(err)
	}
	if err := j.Append([]byte("lost")); err == nil {
		t.Error("append to a closed file: want an error")
	}
	if !j.Due() {
		t.Error("a journal whose end is not known is due")
	}
	replace(t, j, "anew")
	add(t, j, "b")
	_, got := open(t, path)
	same(t, "after the loss", got, []string{"anew", "b"})
}

// A write that ends half-way moves the end of what was written; the next line
// still follows the last whole one.
func TestALineAfterAHalfWrittenOneIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _ := open(t, path)
	replace(t, j, "a")
	for range 2 { // a file that was made here, then one that was opened
		if _, err := j.f.Write([]byte("hal")); err != nil {
			t.Fatal(err)
		}
		if err := j.f.Truncate(j.size); err != nil {
			t.Fatal(err)
		}
		add(t, j, "b")
		j, _ = open(t, path)
	}
	_, got := open(t, path)
	same(t, "opened again", got, []string{"a", "b", "b"})
}

func TestDueWhenMoreWasAppendedThanTheSnapshotHolds(t *testing.T) {
	j, _ := open(t, filepath.Join(t.TempDir(), "state"))
	replace(t, j, "a")
	line := bytes.Repeat([]byte("x"), rewriteAfter/4)
	for range 4 {
		if j.Due() {
			t.Fatal("due too early")
		}
		add(t, j, string(line))
	}
	if !j.Due() {
		t.Error("want due")
	}
	replace(t, j, strings.Repeat("y", rewriteAfter), "z")
	add(t, j, strings.Repeat("y", rewriteAfter-2))
	if j.Due() {
		t.Error("a snapshot that is larger allows more to be appended")
	}
}

func TestNilKeepsNothing(t *testing.T) {
	j, err := Open("", nil)
	if err != nil || j != nil {
		t.Fatalf("no path: %v, %v", j, err)
	}
	if j.Due() || j.Empty() || j.Append([]byte("a")) != nil || j.Replace(nil) != nil || j.Close() != nil {
		t.Error("a nil file does nothing and never fails")
	}
}

// A kill during Replace leaves a temporary file; others' are left alone.
func TestWhatAKilledReplaceLeftIsRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".state.tmp-123", ".other.tmp-123"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, filepath.Join(dir, "state"))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != ".other.tmp-123" {
		t.Errorf("files left: %v, %v", files, err)
	}
}

func TestAPathThatCannotBeWrittenIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none", "state"), filepath.Join(dir, "file", "state"), dir} {
		if _, err := Open(path, nil); err == nil {
			t.Errorf("%s: want an error", path)
		}
	}
}

// A rewrite that cannot be done is not tried again for each line.
func TestAFailedReplaceIsNotDueAtOnce(t *testing.T) {
	j, _ := open(t, filepath.Join(t.TempDir(), "state"))
	replace(t, j, "a")
	add(t, j, strings.Repeat("x", rewriteAfter+1))
	if err := j.Replace(func(func([]byte) error) error { return os.ErrInvalid }); err == nil || j.Due() {
		t.Errorf("error %v, due %v", err, j.Due())
	}
	add(t, j, "b")
}
