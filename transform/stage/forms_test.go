package stage

import (
	"testing"

	"millrace/internal/config"
)

func TestFormsOfATenant(t *testing.T) {
	for _, tt := range []struct{ url, tenant, want string }{
		{"https://erp.example/site/", "My Tenant", "https://erp.example/site/Main?CompanyID=My+Tenant&"},
		{"https://erp.example", "", "https://erp.example/Main?"},
	} {
		if got := formsOf(config.Acumatica{URL: tt.url, Tenant: tt.tenant}); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
