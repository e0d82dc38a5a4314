// Package e2e holds black-box tests: the real binary against the twins,
// killed, restarted, and judged by what the twins' books say.
package e2e
