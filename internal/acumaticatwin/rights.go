package acumaticatwin

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// Rights are what the API user may not do or see. The zero value takes nothing
// away. Acumatica: a form without rights is refused by name; rows that a
// restriction group hides are left out without a word, and the documents of a
// hidden customer with them. The ledger goes by accounts and shows them.
type Rights struct {
	Forbidden       []string `json:"forbidden,omitempty"`        // entities whose form the user may not open
	ReadOnly        []string `json:"read_only,omitempty"`        // entities whose form the user may view and not change
	HiddenCustomers []string `json:"hidden_customers,omitempty"` // by CustomerID
	// NoBranch is a user without a branch: forms of documents show no rows.
	NoBranch bool `json:"no_branch,omitempty"`
}

// rights are those of a twin, as they are looked up.
type rights struct {
	told      Rights
	forbidden map[string]bool
	readOnly  map[string]bool
	hidden    map[string]bool // folded
}

// SetRights says what the API user may do and see from now on; a restart
// forgets it.
func (t *Twin) SetRights(r Rights) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := &rights{told: r, forbidden: map[string]bool{}, readOnly: map[string]bool{}, hidden: map[string]bool{}}
	for _, list := range []struct {
		names []string
		into  map[string]bool
	}{{r.Forbidden, next.forbidden}, {r.ReadOnly, next.readOnly}} {
		for _, name := range list.names {
			if t.cat[name] == nil {
				return fmt.Errorf("acumatica twin: no entity %q", name)
			}
			list.into[name] = true
		}
	}
	x := t.begin()
	for _, id := range r.HiddenCustomers {
		if x.byKey(entityCustomer, id) == nil {
			return fmt.Errorf("acumatica twin: no customer %q", id)
		}
		next.hidden[fold(id)] = true
	}
	t.rights = next
	return nil
}

// Rights are what the API user may not do or see.
func (t *Twin) Rights() Rights {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rights == nil {
		return Rights{}
	}
	return t.rights.told
}

// denied refuses a form that the user may not open.
func (t *Twin) denied(e *entity) *failure {
	if t.rights == nil || !t.rights.forbidden[e.name] {
		return nil
	}
	return noRights(e)
}

// fixed reports a form that the user may not change anything on.
func (t *Twin) fixed(e *entity) bool {
	return e.readOnly || t.rights != nil && t.rights.readOnly[e.name]
}

func noRights(e *entity) *failure {
	return plain(http.StatusForbidden, "You have insufficient rights to access the "+e.display+" ("+e.screen+") form.")
}

// sees reports that a row of an entity is not hidden from the user.
func (r *rights) sees(e *entity, row *record) bool {
	if r == nil || row == nil || e.name == entityJournal {
		return true
	}
	if r.told.NoBranch && ofBranch(row) {
		return false
	}
	return !r.hides(row)
}

// hides reports that the customer of a row is hidden.
func (r *rights) hides(row *record) bool {
	return r != nil && len(r.hidden) > 0 && r.hidden[fold(customerOf(row))]
}

// finds reports a row that the form shows to the user.
func (x *tx) finds(e *entity, r *record) bool { return e.finds(r) && x.rights.sees(e, r) }

// ofBranch reports a document: it belongs to a branch.
func ofBranch(r *record) bool { return r.get("Branch")+r.get("BranchID")+r.get("LinkBranch") != "" }

// customerOf is the customer that a row is or names, or "".
func customerOf(r *record) string {
	return strings.TrimSpace(cmp.Or(r.get("CustomerID"), r.get("Customer")))
}

func (t *Twin) controlRights(c *call) reply {
	var r Rights
	if err := c.controlBody(&r); err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	if err := t.SetRights(r); err != nil {
		return controlError(http.StatusUnprocessableEntity, err.Error())
	}
	return emptyReply(http.StatusNoContent)
}
