package acumaticatwin

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A UserField is a text field that a customisation has added to the form of an
// entity. Clients reach it under "custom" and $custom; a name that is not
// declared is ignored in a write without a word, as any unknown name is, and
// refused in $custom.
type UserField struct {
	Entity string // "Invoice", "Customer"
	Name   string // "<View>.Usr…", or "<View>.Attribute…" for a user-defined field
	Size   int    // longest value; 0 is 255
	// Locked is a field that the form disables once the document is released: a
	// value sent after that is ignored without a word. Acumatica disables what
	// its workflow does not name as editable.
	Locked bool
}

var userFieldName = regexp.MustCompile(`^\w+\.(Usr|Attribute)\w+$`)

// ParseUserField reads "Entity:View.UsrName", with ":size" and ":locked" behind
// it where wanted.
func ParseUserField(s string) (UserField, error) {
	parts := strings.Split(s, ":")
	bad := fmt.Errorf("user field %q: want Entity:View.UsrName, then a size or locked, each after a colon", s)
	if len(parts) < 2 {
		return UserField{}, bad
	}
	f := UserField{Entity: parts[0], Name: parts[1]}
	for _, more := range parts[2:] {
		size, err := strconv.Atoi(more)
		switch {
		case more == "locked":
			f.Locked = true
		case err == nil && size > 0:
			f.Size = size
		default:
			return UserField{}, bad
		}
	}
	return f, nil
}

// addUserFields puts the fields of the tenant's customisation on their forms.
func (t *Twin) addUserFields() error {
	for _, u := range t.o.UserFields {
		e := t.cat[u.Entity]
		switch {
		case e == nil || e.table != "" || e.on != everywhere:
			return fmt.Errorf("acumatica twin: user field %s: no entity %q", u.Name, u.Entity)
		case !userFieldName.MatchString(u.Name):
			return fmt.Errorf("acumatica twin: user field %q: want <View>.Usr…, or <View>.Attribute…", u.Name)
		case e.custom.field(u.Name, allVersions) != nil:
			return fmt.Errorf("acumatica twin: user field %s of %s: is there already", u.Name, u.Entity)
		}
		if e.custom.index == nil {
			e.custom.index = map[string]int{}
		}
		e.custom.index[u.Name] = len(e.custom.fields)
		e.custom.fields = append(e.custom.fields, field{name: u.Name, column: u.Name, size: cmp.Or(u.Size, 255), locked: u.Locked})
	}
	return nil
}

// leaves reports a field of the form that keeps its value whatever is sent.
func (e *entity) leaves(old *record, column string) bool {
	f := e.custom.field(column, allVersions)
	return f != nil && f.locked && released(old)
}

// added reports a column of a customisation: the form's own rules do not know it.
func added(column string) bool { return userFieldName.MatchString(column) }

// UserText is what an Invoice (by "<Type> <ReferenceNbr>") or another record (by
// its key) holds in a user field; field "note" is its note.
func (t *Twin) UserText(entity, id, field string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := []string{id}
	if cut := strings.LastIndexByte(id, ' '); cut > 0 {
		keys = []string{id[:cut], id[cut+1:]}
	}
	r := t.begin().byKey(entity, keys...)
	switch {
	case r == nil:
		return ""
	case field == "note":
		return r.Note
	}
	return r.get(field)
}
