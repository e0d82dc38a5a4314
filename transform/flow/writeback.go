package flow

// WriteBack is where Acumatica shows what is in Stripe.
type WriteBack struct {
	Note   bool              `json:"note,omitempty"`
	Fields map[string]string `json:"fields,omitempty"` // what is shown → "<View>.<Field>"
}

// value is what expressions see; nil is nothing.
func (w *WriteBack) value() any {
	if w == nil {
		return nil
	}
	fields := make(map[string]any, len(w.Fields))
	for name, field := range w.Fields {
		fields[name] = field
	}
	return map[string]any{"note": w.Note, "fields": fields}
}
