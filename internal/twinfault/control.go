package twinfault

import (
	"encoding/json"
	"net/http"
)

// maxScript bounds a posted script in bytes.
const maxScript = 1 << 20

// ServeHTTP is the control interface of the script: POST adds one fault or a
// list and answers like GET; GET tells of all faults; DELETE clears them.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		if err := s.Load(http.MaxBytesReader(w, r.Body, maxScript)); err != nil {
			sendJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
	case http.MethodDelete:
		s.Clear()
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		sendJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "want GET, POST or DELETE"})
		return
	}
	sendJSON(w, http.StatusOK, map[string][]Report{"faults": s.Reports()})
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client went away
}
