package acumaticatwin

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A state file that is due and cannot be written anew still takes a line.
func TestAChangeIsKeptWhereOnlyARewriteFails(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(newClock())
	o.StateFile = filepath.Join(dir, "here", "state")
	if err := os.Mkdir(filepath.Join(dir, "here"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := start(t, o)
	file := c.twin.st.file
	if err := file.Append(append([]byte("{}"), bytes.Repeat([]byte(" "), 9<<20)...)); err != nil || !file.Due() {
		t.Fatalf("error %v, due %v", err, file.Due())
	}
	if err := os.Rename(filepath.Join(dir, "here"), filepath.Join(dir, "there")); err != nil { // no new file can be made
		t.Fatal(err)
	}
	ref := c.twin.AddInvoice(Invoice{CustomerID: "C000002", Lines: []InvoiceLine{item("x", 1, 100)}})
	st, _, err := openState(filepath.Join(dir, "there", "state"), o.Tenant, c.twin.cat)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := st.tables[entityInvoice].keys.Get(foldKey([]string{typeInvoice, ref})); !ok {
		t.Errorf("invoice %q is not in the file", ref)
	}
}
