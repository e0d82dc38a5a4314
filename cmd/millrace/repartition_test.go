package main

import (
	"testing"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

func TestRepartitionChangesAStoppedFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := claimFolder(dir, installation{Connections: []string{"default"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := embed(t.Context(), dir, "", bus.Options{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.bus.Provision(t.Context(), []string{"default"}); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := call(t.Context(), "repartition", "5", "--data-dir", dir, "--json"); code != 3 || document(t, stdout, nil).Error.Code != "config.data_dir_locked" {
		t.Errorf("while it is in use: exit %d, %s", code, stdout)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var res struct{ Partitions, Before int }
	code, stdout, stderr := call(t.Context(), "repartition", "5", "--data-dir", dir, "--json")
	if e := document(t, stdout, &res); code != 0 || !e.OK || res.Partitions != 5 || res.Before != 2 {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	for partitions, want := range map[int]string{2: "bus.partitions_mismatch", 5: ""} {
		b, err := embed(t.Context(), dir, "", bus.Options{Partitions: partitions})
		if got := fault.Of(err); (err != nil || want != "") && (got == nil || got.Code != want) {
			t.Errorf("%d partitions: %v, want %q", partitions, err, want)
		}
		if err == nil {
			_ = b.Close()
		}
	}
}
