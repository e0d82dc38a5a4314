package push

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"millrace/internal/service"
)

// What a connection may take.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	idleTimeout   = 75 * time.Second
	maxHeader     = 16 << 10
	drainTimeout  = 8 * time.Second
)

// Serve answers until ctx is done, then finishes what it holds.
func (h *Handler) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: readTimeout + 2*hintTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(h.o.Log.Handler(), slog.LevelDebug),
	}
	if err := service.Serve(ctx, l, srv, drainTimeout); err != nil {
		return fmt.Errorf("push: %w", err)
	}
	return nil
}
