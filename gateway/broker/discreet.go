package broker

import (
	"context"
	"log/slog"
)

// discreet stands between the server and the log. The server logs whole packets, passwords of a second connection request
// included, and greets the world at level info.
type discreet struct{ next slog.Handler }

// Enabled implements slog.Handler.
func (d discreet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && d.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	kept := slog.NewRecord(r.Time, r.Level, "broker: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if harmless(a) {
			kept.AddAttrs(a)
		}
		return true
	})
	return d.next.Handle(ctx, kept)
}

// WithAttrs implements slog.Handler.
func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	var kept []slog.Attr
	for _, a := range attrs {
		if harmless(a) {
			kept = append(kept, a)
		}
	}
	return discreet{d.next.WithAttrs(kept)}
}

// WithGroup implements slog.Handler.
func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.next.WithGroup(name)} }

// harmless names what may pass, so that a new attribute is left out until somebody has looked at it.
func harmless(a slog.Attr) bool {
	switch a.Key {
	case "error", "client", "remote", "old_remote", "new_remote", "listener", "hook", "id", "keepalive", "recommended":
		return true
	}
	return false
}
