package acusink

import (
	"regexp"
	"strings"
)

// ourLine is how a line of a note begins that is ours. Everything else in a note
// is somebody's, and stays byte for byte.
var ourLine = regexp.MustCompile(`^Stripe (invoice in|customer cus)_\w+(:|$)`)

// markOf is what lines of one kind have in common; empty for a line that is not
// ours, or for more than one line.
func markOf(line string) string {
	if !ourLine.MatchString(line) || strings.ContainsAny(line, "\r\n") {
		return ""
	}
	return line[:strings.IndexByte(line, '_')+1]
}

// noted reports that the note has the line.
func noted(note, line string) bool {
	old, _, found := lineOf(note, markOf(line))
	return found && strings.TrimRight(old, " \t\r") == strings.TrimRight(line, " \t")
}

// withNote is the note with that line in the place of the one of its kind, or
// below everything else.
func withNote(note, line string) string {
	if old, at, found := lineOf(note, markOf(line)); found {
		return note[:at] + line + note[at+len(strings.TrimSuffix(old, "\r")):]
	}
	end := "\n"
	if strings.Contains(note, "\r\n") {
		end = "\r\n"
	}
	if note == "" || strings.HasSuffix(note, "\n") {
		end = ""
	}
	return note + end + line
}

// lineOf finds the first line that is ours and begins with mark, without its
// line feed.
func lineOf(note, mark string) (line string, at int, found bool) {
	for rest := note; rest != ""; {
		line, after, more := strings.Cut(rest, "\n")
		if strings.HasPrefix(line, mark) && ourLine.MatchString(strings.TrimSuffix(line, "\r")) {
			return line, len(note) - len(rest), true
		}
		if !more {
			break
		}
		rest = after
	}
	return "", 0, false
}
