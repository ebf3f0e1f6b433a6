package mqttlink

import "context"

// Try connects once, serves the connection until serve returns, and takes leave. What [Link.Run] would log and try again
// is its error.
func (l *Link) Try(ctx context.Context, serve func(context.Context, *Session) error) error {
	_, err := l.once(ctx, serve)
	return err
}
