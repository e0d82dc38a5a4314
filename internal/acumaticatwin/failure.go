package acumaticatwin

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// A failure is an error answer in the shapes that ASP.NET gives them.
type failure struct {
	status    int
	message   string // "message" alone when kind is empty
	exception string
	kind      string // "exceptionType"
	inner     *failure
	model     map[string][]string // "modelState"
}

func (f *failure) Error() string {
	if f.exception != "" {
		return fmt.Sprintf("http %d: %s", f.status, f.exception)
	}
	return fmt.Sprintf("http %d: %s", f.status, f.message)
}

// errorBody is the wire form. Acumatica: recorded answers of a live tenant.
type errorBody struct {
	Message    string              `json:"message"`
	Exception  string              `json:"exceptionMessage,omitempty"`
	Type       string              `json:"exceptionType,omitempty"`
	StackTrace string              `json:"stackTrace,omitempty"`
	Inner      *errorBody          `json:"innerException,omitempty"`
	Model      map[string][]string `json:"modelState,omitempty"`
}

func (f *failure) wire() *errorBody {
	b := &errorBody{Message: f.message, Exception: f.exception, Type: f.kind, Model: f.model}
	if f.kind != "" {
		b.StackTrace = "   at Millrace.AcumaticaTwin"
	}
	if f.inner != nil {
		b.Inner = f.inner.wire()
	}
	return b
}

func (f *failure) reply() reply { return jsonReply(f.status, f.wire()) }

const disabledType = "PX.Data.PXActionDisabledException"

const anError = "An error has occurred."

func exception(kind, format string, args ...any) *failure {
	return &failure{status: http.StatusInternalServerError, message: anError, exception: fmt.Sprintf(format, args...), kind: kind}
}

// pxError is what a business error outside of a save looks like.
func pxError(format string, args ...any) *failure {
	return exception("PX.Data.PXException", format, args...)
}

// operationFailed wraps the cause the way long operations do: the useful text
// is only in the inner exception.
func operationFailed(text string) *failure {
	f := exception("PX.Data.PXInvalidOperationException", "Operation failed")
	f.inner = pxError("%s", text)
	return f
}

func notFound() *failure {
	return exception("PX.Api.ContractBased.NoEntitySatisfiesTheConditionException", "No entity satisfies the condition.")
}

// nullReference is what an action gets whose form does not find the document.
// Acumatica: recorded for Invoice/ReleaseInvoice of a document of SO303000.
func nullReference() *failure {
	return exception("System.NullReferenceException", "Object reference not set to an instance of an object.")
}

func keyNotFound() *failure {
	return exception("System.Collections.Generic.KeyNotFoundException", "The given key was not present in the dictionary.")
}

// buttonDisabled is the answer to an action that the document's status does
// not allow.
func buttonDisabled(name string) *failure {
	return exception(disabledType, "Error: The %s button is disabled.", name)
}

func badRequest(field, text string) *failure {
	return &failure{status: http.StatusBadRequest, message: "The request is invalid.", model: map[string][]string{field: {text}}}
}

func plain(status int, text string) *failure { return &failure{status: status, message: text} }

// problems are the errors that a save found: they are echoed inside the
// entity, at the field or line that caused them.
type problems struct {
	fields map[*record]map[string]string
}

func newProblems() *problems { return &problems{fields: map[*record]map[string]string{}} }

// add blames a field. The first error of a field stays.
func (p *problems) add(r *record, field, format string, args ...any) {
	if p.fields[r] == nil {
		p.fields[r] = map[string]string{}
	}
	if _, ok := p.fields[r][field]; !ok {
		p.fields[r][field] = fmt.Sprintf(format, args...)
	}
}

func (p *problems) empty() bool { return p == nil || len(p.fields) == 0 }

func (p *problems) of(r *record, field string) string {
	if p == nil {
		return ""
	}
	return p.fields[r][field]
}

// A reply is a whole answer, made before anything is written, so that faults
// can drop it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func emptyReply(status int) reply { return reply{status: status, header: http.Header{}} }

func jsonReply(status int, v any) reply {
	raw, err := json.Marshal(v)
	if err != nil {
		return reply{status: http.StatusInternalServerError, header: http.Header{}}
	}
	return rawReply(status, raw)
}

func rawReply(status int, body []byte) reply {
	return reply{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: body}
}
