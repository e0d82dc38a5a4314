package stripetwin

import (
	"html/template"
	"net/http"

	"millrace/internal/money"
)

const hostedPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Invoice {{.Number}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}h1{font-size:2rem;margin:0}
button{font:inherit;padding:.6rem 1.6rem;border:0;border-radius:.4rem;background:#0b5fff;color:#fff;cursor:pointer}</style></head>
<body><p>Invoice {{.Number}}{{with .Customer}} for {{.}}{{end}}</p><h1>{{.Amount}}</h1>{{with .Description}}<p>{{.}}</p>{{end}}
{{if eq .Status "open"}}<form method="post" action="/i/{{.ID}}/pay"><p><button>Pay</button></p></form>
{{else}}<p>This invoice is {{.Status}}.</p>{{end}}
<p><small>A stand-in for Stripe: no money moves.</small></p></body></html>
`

// mountHosted adds the pages where buyers pay. They need no key, as on Stripe:
// who has the address may pay.
func (t *Twin) mountHosted(mux *http.ServeMux) {
	tmpl := template.Must(template.New("invoice").Parse(hostedPage))
	mux.HandleFunc("GET /i/{id}", func(w http.ResponseWriter, req *http.Request) { t.showInvoice(w, req, tmpl) })
	mux.HandleFunc("POST /i/{id}/pay", t.buyerPays)
}

// A hostedView is what the page shows.
type hostedView struct{ ID, Number, Customer, Amount, Description, Status string }

func (t *Twin) hostedView(id string) (hostedView, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	inv := t.s.Invoices.get(id)
	if inv == nil || inv.Status == "draft" {
		return hostedView{}, false
	}
	amount, err := money.New(inv.Due, inv.Currency)
	if err != nil {
		return hostedView{}, false
	}
	return hostedView{
		ID: id, Number: inv.Number, Customer: inv.Buyer.Name, Amount: amount.String(),
		Description: inv.Description, Status: inv.Status,
	}, true
}

func (t *Twin) showInvoice(w http.ResponseWriter, req *http.Request, tmpl *template.Template) {
	v, ok := t.hostedView(req.PathValue("id"))
	if !ok {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = tmpl.Execute(w, v) // the browser went away
}

// buyerPays pays and shows the page again; pressing the button twice pays
// once. Invariant 2.
func (t *Twin) buyerPays(w http.ResponseWriter, req *http.Request) {
	id := req.PathValue("id")
	v, ok := t.hostedView(id)
	if !ok {
		http.NotFound(w, req)
		return
	}
	if v.Status != "paid" {
		err := t.Pay(req.Context(), id)
		if again, _ := t.hostedView(id); err != nil && again.Status != "paid" {
			http.Error(w, err.Error(), asAPIError(err).status)
			return
		}
	}
	http.Redirect(w, req, "/i/"+v.ID, http.StatusSeeOther)
}
