package flow

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSharesGoToTheOldestThatFits(t *testing.T) {
	list := value(t, `[{"id": "re_4", "amount": 5, "created": 9}, {"id": "re_3", "amount": 30, "created": 5}, {"id": "re_2", "amount": 80, "created": 5}, {"id": "re_1", "amount": 60, "created": 1}]`)
	got, err := shares(&meter{ctx: t.Context()}, []any{list, value(t, `95`)})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"re_1 direct", "re_2", "re_3 direct", "re_4 direct"}
	rows, _ := got.([]any)
	var ids []string
	for _, r := range rows {
		row, _ := r.(map[string]any)
		item, _ := row["item"].(map[string]any)
		id, _ := item["id"].(string)
		if row["fits"] == true {
			id += " direct"
		}
		ids = append(ids, id)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`[{"id": "re_1", "amount": 1}]`, `[7]`, `{}`} {
		if _, err := shares(&meter{ctx: t.Context()}, []any{value(t, bad), value(t, `1`)}); err == nil || !strings.Contains(err.Error(), "shares") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}
