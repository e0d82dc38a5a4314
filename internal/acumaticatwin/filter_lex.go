package acumaticatwin

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// A token of a $filter: a punctuation mark, a word (name or operator) or a
// literal.
type token struct {
	mark byte // '(' ')' ',' '='; 'w' word; 'l' literal; 0 end
	word string
	lit  operand
}

// An operand is a value of the filter language with its type.
type operand struct {
	kind    kind
	null    bool
	literal bool // the word null itself, not a field without a value
	text    string
	num     decimal.Decimal
	yes     bool
	at      time.Time
}

type lexer struct {
	rest string
	zone *time.Location // of literals without an offset
}

func filterSyntax(why string) *failure {
	return exception("Microsoft.Data.OData.ODataException", "Syntax error in the filter expression: %s.", why)
}

func isWordByte(c byte) bool {
	return c == '_' || c == '/' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

func (l *lexer) next() (token, *failure) {
	l.rest = strings.TrimLeft(l.rest, " \t\r\n")
	if l.rest == "" {
		return token{}, nil
	}
	c := l.rest[0]
	switch {
	case strings.IndexByte("(),=", c) >= 0:
		l.rest = l.rest[1:]
		return token{mark: c}, nil
	case c == '\'':
		s, fail := l.quoted()
		return token{mark: 'l', lit: operand{kind: textKind, text: s}}, fail
	case c == '-' || (c >= '0' && c <= '9'):
		return l.number()
	case isWordByte(c):
		return l.wordOrLiteral()
	}
	return token{}, filterSyntax("unexpected character")
}

// quoted reads a string; a quote inside is doubled.
func (l *lexer) quoted() (string, *failure) {
	var b strings.Builder
	for i := 1; i < len(l.rest); i++ {
		if l.rest[i] != '\'' {
			b.WriteByte(l.rest[i])
			continue
		}
		if i+1 < len(l.rest) && l.rest[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		l.rest = l.rest[i+1:]
		return b.String(), nil
	}
	return "", filterSyntax("unterminated string")
}

func (l *lexer) number() (token, *failure) {
	end := 1
	for end < len(l.rest) && (isWordByte(l.rest[end]) && l.rest[end] != '/') {
		end++
	}
	text := l.rest[:end]
	l.rest = l.rest[end:]
	d, ok := parseDecimal(strings.TrimRight(text, "mMdDfFlL"))
	if !ok {
		return token{}, filterSyntax("not a number")
	}
	return token{mark: 'l', lit: operand{kind: decimalKind, num: d}}, nil
}

func (l *lexer) wordOrLiteral() (token, *failure) {
	end := 0
	for end < len(l.rest) && isWordByte(l.rest[end]) {
		end++
	}
	word := l.rest[:end]
	l.rest = l.rest[end:]
	switch word {
	case "true", "false":
		return token{mark: 'l', lit: operand{kind: boolKind, yes: word == "true"}}, nil
	case "null":
		return token{mark: 'l', lit: operand{null: true, literal: true}}, nil
	}
	if !strings.HasPrefix(l.rest, "'") {
		return token{mark: 'w', word: word}, nil
	}
	text, fail := l.quoted()
	if fail != nil {
		return token{}, fail
	}
	switch word {
	case "datetimeoffset", "date":
		t, ok := parseInstantIn(text, l.zone)
		if !ok {
			return token{}, filterSyntax("not a date")
		}
		return token{mark: 'l', lit: operand{kind: stampKind, at: t}}, nil
	case "guid":
		id, err := uuid.Parse(text)
		if err != nil {
			return token{}, filterSyntax("not a GUID")
		}
		return token{mark: 'l', lit: operand{kind: guidKind, text: id.String()}}, nil
	}
	return token{}, filterSyntax("unknown literal prefix")
}
