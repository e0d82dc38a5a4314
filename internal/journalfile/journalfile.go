// Package journalfile keeps a process's state in one file that a kill cannot
// tear: a snapshot, then one line for each change. A line that was appended is
// there after a kill at any later instant; one that a kill cut short was never
// answered for, and is dropped when the file is opened. Writing anew replaces
// the file in one step. What the lines say is the caller's business.
//
// Nothing is synced to the platter, so a power failure may lose the last
// lines, and only those.
package journalfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// rewriteAfter is how many bytes are appended before a file is Due, unless its
// snapshot is larger.
const rewriteAfter = 8 << 20

const bufferSize = 256 << 10

// A File is an open journal. It is not safe for use by several goroutines at
// once. A nil File keeps nothing and never fails.
type File struct {
	path  string
	f     *os.File // nil until the first Replace
	base  int64    // bytes when it was last written anew
	size  int64    // bytes of whole lines
	stale bool     // an append failed: what the file says is not known
}

// Open reads the journal at path and gives every whole line, without its end
// and only valid until it returns, to line; number 1 is the first. A torn last
// line is cut off. A file that does not exist is an empty journal, and is not
// made before the first Replace; an empty path gives a nil File. A folder that
// takes no files is an error now and not at the first Replace; what a kill
// during one left behind is removed. One process at a time may have a journal
// open: who can be started twice sees to that.
func Open(path string, line func(number int, text []byte) error) (*File, error) {
	if path == "" {
		return nil, nil
	}
	j := &File{path: path}
	if err := j.prepare(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // G304: the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, err
	}
	size, err := readLines(f, line)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, f.Close()))
	}
	j.f, j.base, j.size = f, size, size
	return j, nil
}

// prepare tries whether the folder takes a file, and removes the temporary
// ones of this journal.
func (j *File) prepare() error {
	f, err := j.temporary()
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", j.path, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	files, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil {
		return err
	}
	for _, e := range files {
		if strings.HasPrefix(e.Name(), j.temporaryPrefix()) {
			err = errors.Join(err, os.Remove(filepath.Join(filepath.Dir(j.path), e.Name())))
		}
	}
	return err
}

func (j *File) temporaryPrefix() string { return "." + filepath.Base(j.path) + ".tmp-" }

// temporary makes a file beside the journal with mode 0600: states hold
// secrets.
func (j *File) temporary() (*os.File, error) {
	return os.CreateTemp(filepath.Dir(j.path), j.temporaryPrefix()+"*")
}

// readLines returns how many bytes the whole lines have.
func readLines(r io.Reader, line func(int, []byte) error) (int64, error) {
	b := bufio.NewReaderSize(r, bufferSize)
	var size int64
	var long []byte // a line that is longer than the buffer
	for n := 1; ; {
		part, err := b.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			continue
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return 0, err
		}
		text := part
		if len(long) > 0 {
			long = append(long, part...)
			text = long
		}
		if err := line(n, text[:len(text)-1]); err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		size += int64(len(text))
		long = long[:0]
		n++
	}
}

// Empty reports whether there is nothing to append to: the next write must be
// Replace.
func (j *File) Empty() bool { return j != nil && j.f == nil }

// Due reports whether the file should be written anew: there is none yet, an
// append failed, or more was appended than the snapshot is long.
func (j *File) Due() bool {
	return j != nil && (j.f == nil || j.stale || j.size-j.base > max(rewriteAfter, j.base))
}

// Append adds a line, in one write. When it fails the line is not there.
func (j *File) Append(text []byte) error {
	if j == nil {
		return nil
	}
	if j.f == nil || j.stale {
		return fmt.Errorf("append to %s: it must be written anew first", j.path)
	}
	if bytes.IndexByte(text, '\n') >= 0 {
		return fmt.Errorf("append to %s: a line holds a line end", j.path)
	}
	// At its place: what a failed write left behind would otherwise stay between.
	n, err := j.f.WriteAt(append(text, '\n'), j.size)
	if err != nil {
		if cut := j.f.Truncate(j.size); cut != nil {
			j.stale = true // a half line is there, and would spoil the next one
		}
		return fmt.Errorf("append to %s: %w", j.path, err)
	}
	j.size += int64(n)
	return nil
}

// Replace writes the file anew: every line that lines emits, then in one step
// the new file takes the old one's place. When it fails the old file stays,
// takes more lines, and is not Due before it has grown as if it were new.
func (j *File) Replace(lines func(emit func(text []byte) error) error) error {
	if j == nil {
		return nil
	}
	f, err := j.temporary()
	if err != nil {
		j.base = j.size
		return err
	}
	size, err := writeLines(f, lines)
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		j.base = j.size
		return fmt.Errorf("write %s: %w", j.path, errors.Join(err, f.Close(), os.Remove(f.Name())))
	}
	old := j.f
	j.f, j.base, j.size, j.stale = f, size, size, false
	if old != nil {
		_ = old.Close() // what it says counts no more
	}
	return nil
}

func writeLines(f *os.File, lines func(emit func([]byte) error) error) (int64, error) {
	w := bufio.NewWriterSize(f, bufferSize)
	var size int64
	err := lines(func(text []byte) error {
		if bytes.IndexByte(text, '\n') >= 0 {
			return errors.New("a line holds a line end")
		}
		size += int64(len(text)) + 1
		if _, err := w.Write(text); err != nil {
			return err
		}
		return w.WriteByte('\n')
	})
	return size, errors.Join(err, w.Flush())
}

// Close ends the use of the journal; what was written stays.
func (j *File) Close() error {
	if j == nil || j.f == nil {
		return nil
	}
	err := j.f.Close()
	j.f = nil
	return err
}
