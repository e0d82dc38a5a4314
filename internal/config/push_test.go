package config

import (
	"strings"
	"testing"
)

func TestLintOfPushNotifications(t *testing.T) {
	const connection = `
connections:
- name: default
  acumatica: {url: "https://x", username: u, password: p, %s}
`
	for _, tt := range []struct{ name, push, acumatica, want string }{
		{"not listening", "", "branch: MAIN", ""},
		{"as it should be", "push: {listen: '127.0.0.1:8081'}", "push_secrets: [a, b]", ""},
		{"no secret", "push: {listen: '127.0.0.1:8081'}", "branch: MAIN", "warning: connections[0].acumatica.push_secrets: without a secret"},
		{"an empty secret", "push: {listen: '127.0.0.1:8081'}", "push_secrets: [a, '']", "acumatica.push_secrets[1]: is empty"},
		{"no header", "push: {listen: '127.0.0.1:8081'}", "push_secrets: [a], push_header: 'X Secret'", `"X Secret" is not the name of a header`},
		{"no port", "push: {listen: here}", "push_secrets: [a]", "push.listen: "},
		{"no size", "push: {listen: '127.0.0.1:8081', max_body: 0}", "push_secrets: [a]", "push.max_body: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := lintText(t, write(t, "m.yaml", strings.Replace(connection, "%s", tt.acumatica, 1)+tt.push+"\n"))
			if tt.want == "" && strings.Contains(text, "push") || !strings.Contains(text, tt.want) {
				t.Errorf("findings:\n%s\nwant %q", text, tt.want)
			}
		})
	}
}
