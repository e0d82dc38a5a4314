// Package embednats runs a NATS server with JetStream inside the process: for
// one person, a demo, or a single node. It keeps its promise to the disk: what
// it acknowledges was synced.
package embednats

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const readyTimeout = 20 * time.Second

// Options of an embedded server.
type Options struct {
	StoreDir string       // JetStream's files; made if missing
	Listen   string       // host:port for other processes; port 0 picks one; empty: in-process only
	Log      *slog.Logger // nil discards
	// SyncLate leaves syncing to the server's timer of two minutes. Only for
	// tests whose broker ends in an orderly way: a power cut would lose
	// acknowledged messages (Invariant 1).
	SyncLate bool
}

// Server is a running embedded server.
type Server struct {
	*server.Server
	token string
}

// Start runs a server whose JetStream syncs to disk before it acknowledges,
// unless SyncLate.
// Other processes need the token, which is made on first start and kept, mode
// 0600, beside the store.
func Start(o Options) (*Server, error) {
	if err := os.MkdirAll(o.StoreDir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	token, err := keepToken(filepath.Join(o.StoreDir, "token"))
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName: "millrace", JetStream: true, StoreDir: o.StoreDir, SyncAlways: !o.SyncLate,
		NoSigs: true, DontListen: o.Listen == "", Authorization: token,
		MaxPayload: 8 << 20,
	}
	if o.Listen != "" {
		host, port, err := net.SplitHostPort(o.Listen)
		if err != nil {
			return nil, fmt.Errorf("embedded broker: listen %q: %w", o.Listen, err)
		}
		if opts.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("embedded broker: listen %q: %w", o.Listen, err)
		}
		if opts.Port == 0 {
			opts.Port = server.RANDOM_PORT
		}
		opts.Host = host
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if o.Log != nil {
		s.SetLoggerV2(logger{o.Log}, false, false, false)
	}
	s.Start()
	if !s.ReadyForConnections(readyTimeout) {
		s.Shutdown()
		return nil, fmt.Errorf("embedded broker: not ready within %v", readyTimeout)
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("embedded broker: JetStream did not start in %s", o.StoreDir)
	}
	return &Server{Server: s, token: token}, nil
}

// Token is what other processes authenticate with.
func (s *Server) Token() string { return s.token }

// Shutdown stops the server and waits until its files are closed.
func (s *Server) Shutdown() {
	s.Server.Shutdown()
	s.WaitForShutdown()
}

func keepToken(path string) (string, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the operator's own data directory
	if err == nil && len(data) > 0 {
		return strings.TrimSpace(string(data)), nil
	}
	token := rand.Text()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("embedded broker: %w", err)
	}
	return token, nil
}

// logger sends the server's own messages to slog; its routine notices are
// debug.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(format string, v ...any) { l.debug(format, v) }
func (l logger) Debugf(format string, v ...any)  { l.debug(format, v) }
func (l logger) Tracef(format string, v ...any)  { l.debug(format, v) }

func (l logger) debug(format string, v []any) {
	l.log.Debug("broker", "text", fmt.Sprintf(format, v...))
}

func (l logger) Warnf(format string, v ...any) {
	l.log.Warn("broker", "text", fmt.Sprintf(format, v...))
}

func (l logger) Errorf(format string, v ...any) {
	l.log.Error("broker", "text", fmt.Sprintf(format, v...))
}

func (l logger) Fatalf(format string, v ...any) {
	l.log.Error("broker", "text", fmt.Sprintf(format, v...))
}
