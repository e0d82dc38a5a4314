package acumatica

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"millrace/internal/fault"
)

// firstUnsupported is the first Default endpoint of contract version 5, where
// drop-downs and dates look different. Acumatica: 2026 R2.
const firstUnsupported = 26

type endpointRow struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Ping signs in and checks that the configured endpoint exists and has
// contract version 4. acumatica.endpoint if not.
func (c *Client) Ping(ctx context.Context) error {
	res, err := c.do(ctx, request{method: http.MethodGet, path: c.site + "/entity"})
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	rows, err := endpointRows(res.body)
	if err != nil {
		return fmt.Errorf("ping: %w", fault.Newf("acumatica.endpoint", "list of endpoints: %w", err))
	}
	name, version, _ := strings.Cut(c.cfg.Endpoint, "/")
	found := slices.ContainsFunc(rows, func(r endpointRow) bool {
		return strings.EqualFold(r.Name, name) && r.Version == version
	})
	if !found {
		return fmt.Errorf("ping: %w", fault.Newf("acumatica.endpoint", "%s does not exist; there is %s", c.cfg.Endpoint, listOf(rows)))
	}
	if strings.EqualFold(name, "Default") {
		year, _, _ := strings.Cut(version, ".")
		if n, err := strconv.Atoi(year); err != nil || n >= firstUnsupported {
			return fmt.Errorf("ping: %w", fault.Newf("acumatica.endpoint", "%s has contract version 5", c.cfg.Endpoint))
		}
		return nil
	}
	return c.pingContract(ctx)
}

// pingContract reads the contract version of a custom endpoint, which its
// name does not tell. Acumatica: info.version of the endpoint's swagger.json.
func (c *Client) pingContract(ctx context.Context) error {
	res, err := c.do(ctx, request{method: http.MethodGet, path: c.root + "/swagger.json"})
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	var swagger struct {
		Info struct {
			Version string `json:"version"`
		} `json:"info"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(res.body, []byte("\ufeff")), &swagger); err != nil {
		return fmt.Errorf("ping: %w", fault.Newf("acumatica.endpoint", "swagger.json: %w", err))
	}
	if v := swagger.Info.Version; v != "4" {
		return fmt.Errorf("ping: %w", fault.Newf("acumatica.endpoint", "%s has contract version %q, want 4", c.cfg.Endpoint, v))
	}
	return nil
}

// endpointRows accepts both shapes. Acumatica: newer builds wrap the rows in
// an object, older ones send them bare.
func endpointRows(body []byte) ([]endpointRow, error) {
	var wrapped struct {
		Endpoints []endpointRow `json:"endpoints"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		err := json.Unmarshal(body, &wrapped.Endpoints)
		return wrapped.Endpoints, err
	}
	err := json.Unmarshal(body, &wrapped)
	return wrapped.Endpoints, err
}

func listOf(rows []endpointRow) string {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name + "/" + r.Version
	}
	return strings.Join(names, ", ")
}
