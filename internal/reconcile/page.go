package reconcile

import (
	_ "embed"
	"html/template"
	"io"
	"time"
)

//go:embed page.html
var pageText string

// page is what the printable statements are made of.
type page struct {
	Statements []*Statement
	Made       string
	Signatures []Signature
}

// HTML writes statements as a page to print and to file: nothing in it is
// loaded from elsewhere, nothing runs, and everything is escaped.
func HTML(w io.Writer, all []*Statement, signed []Signature, made time.Time) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"parts":    func(s *Statement) []listing { return s.parts() },
		"title":    func(l listing) string { return l.title },
		"list":     func(l listing) []Entry { return l.entries },
		"story":    func(e Entry) string { return e.story() },
		"shown":    func(e Entry) string { return e.shown() },
		"headline": func(s *Statement) string { return s.headline() },
		"netted":   func(s *Statement) string { return decimalOf(s.net, s.Currency) },
		"by": func(s *Statement) []Signature {
			stand, _ := Of(signed, s)
			return stand
		},
		"before": func(s *Statement) []Signature {
			_, outdated := Of(signed, s)
			return outdated
		},
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, page{Statements: all, Made: made.UTC().Format("2006-01-02 15:04 UTC"), Signatures: signed})
}
