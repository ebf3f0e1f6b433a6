package uplink

import (
	"context"
	"fmt"

	"loam/gateway/wire"
	"loam/internal/mqttlink"
)

// Try says whether the broker can be reached, lets the gateway in and gives it its receipts. It connects as the gateway,
// and a broker lets go of an older connection of the same gateway: call it only where none is running.
func Try(ctx context.Context, cfg Config, community string, signer wire.Signer) error {
	lc, err := cfg.link(community, signer)
	if err != nil {
		return err
	}
	link, err := mqttlink.New(lc)
	if err != nil {
		return fmt.Errorf("uplink: %w", err)
	}
	err = link.Try(ctx, func(ctx context.Context, s *mqttlink.Session) error {
		return s.Subscribe(ctx, func(string, []byte, bool) {}, wire.ReceiptTopic(community, signer.ID()))
	})
	if err != nil {
		return fmt.Errorf("uplink: %w", err)
	}
	return nil
}
