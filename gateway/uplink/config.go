package uplink

import (
	"errors"
	"fmt"
	"time"

	"loam/gateway/identity"
	"loam/gateway/wire"
	"loam/internal/config"
	"loam/internal/mqttlink"
)

// Config says where the hub's broker is, and how patient to be with it.
type Config struct {
	Broker string `toml:"broker"`  // mqtt://host[:1883], or mqtts://host[:8883] encrypted
	CAFile string `toml:"ca_file"` // PEM certificates that may sign the broker's; empty: those of the system
	HubKey string `toml:"hub_key"` // the hub's public key as it prints it; only receipts it signed count

	// On a hub's own broker neither is given: the gateway proves who it is with its key.
	Username     string `toml:"username"`      // default: the gateway's id
	PasswordFile string `toml:"password_file"` // its first line is the password

	Window      int             `toml:"window"`       // batches under way at a time (default 32)
	ResendAfter config.Duration `toml:"resend_after"` // wait for a receipt, at first (default 10 s) …
	ResendMax   config.Duration `toml:"resend_max"`   // … and at most (default 5 min); it doubles each time
	StallAfter  config.Duration `toml:"stall_after"`  // connect anew when batches are under way and no receipt comes (default 5 min)
	StatusEvery config.Duration `toml:"status_every"` // tell the hub how the gateway is (default 30 s)
	PollEvery   config.Duration `toml:"poll_every"`   // look into the spool although nobody called Wake (default 30 s)

	// For links that are slow or paid for; what goes over them is counted in [Status].Traffic.
	BacklogRate int             `toml:"backlog_rate"` // bytes of backlog a second, at most (default: as fast as receipts come)
	SendEvery   config.Duration `toml:"send_every"`   // gather batches and send them in bursts, so far apart (default: at once)
	KeepAlive   config.Duration `toml:"keep_alive"`   // silence after which the broker is asked whether it is there (default 30 s)

	// Now is the gateway's clock, for what the status says; nil: the machine's.
	Now func() time.Time `toml:"-"`
	// Reconnect bounds the pause between two attempts to connect (default 0.5 s to 30 s).
	ReconnectMin, ReconnectMax time.Duration `toml:"-"`
}

// ErrConfig is wrapped by everything that [New] refuses.
var ErrConfig = errors.New("uplink is not configured right")

// longestKeepAlive is what MQTT has room for: 16 bits of seconds.
const longestKeepAlive = 65535 * time.Second

// maxWindow keeps what is under way in memory on a small gateway.
const maxWindow = 1024

func (c Config) withDefaults() Config {
	if c.Window == 0 {
		c.Window = 32
	}
	for _, d := range []struct {
		value     *config.Duration
		otherwise time.Duration
	}{
		{&c.ResendAfter, 10 * time.Second}, {&c.ResendMax, 5 * time.Minute}, {&c.StallAfter, 5 * time.Minute},
		{&c.StatusEvery, 30 * time.Second}, {&c.PollEvery, 30 * time.Second},
	} {
		*d.value = config.Duration(d.value.Or(d.otherwise))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate says what is wrong with the configuration, all of it at once.
func (c Config) Validate() error {
	d := c.withDefaults()
	var p config.Problems
	p.Check(c.Broker != "", "broker is missing: give mqtt://host:1883 or mqtts://host:8883")
	_, err := identity.ParseKey(c.HubKey)
	p.Check(err == nil, "hub_key: %w", err)
	p.Check((c.Username == "") == (c.PasswordFile == ""), "username and password_file belong together: give both, or neither to use the gateway's key")
	p.Check(d.Window > 0 && d.Window <= maxWindow, "window %d: from 1 to %d", d.Window, maxWindow)
	p.Check(d.ResendAfter > 0 && d.ResendAfter <= d.ResendMax, "resend_after %s: more than 0 and at most resend_max, %s", d.ResendAfter.Or(0), d.ResendMax.Or(0))
	p.Check(d.StallAfter > 0, "stall_after %s: more than 0", d.StallAfter.Or(0))
	p.Check(d.StatusEvery > 0, "status_every %s: more than 0", d.StatusEvery.Or(0))
	p.Check(d.PollEvery > 0, "poll_every %s: more than 0", d.PollEvery.Or(0))
	p.Check(d.BacklogRate >= 0, "backlog_rate %d: bytes a second, 0 for no bound", d.BacklogRate)
	p.Check(d.SendEvery >= 0, "send_every %s: 0 or more", d.SendEvery.Or(0))
	p.Check(d.KeepAlive == 0 || d.KeepAlive.Or(0) >= time.Second && d.KeepAlive.Or(0) <= longestKeepAlive, "keep_alive %s: from 1s to %s", d.KeepAlive.Or(0), longestKeepAlive)
	if err := p.Err(); err != nil {
		return fmt.Errorf("uplink: %w: %w", ErrConfig, err)
	}
	return nil
}

// link returns the connection to the broker that c describes.
func (c Config) link(community string, signer wire.Signer) (mqttlink.Config, error) {
	l := mqttlink.Config{
		Broker: c.Broker, CAFile: c.CAFile, ClientID: signer.ID(), Username: c.Username,
		MinBackoff: c.ReconnectMin, MaxBackoff: c.ReconnectMax, KeepAlive: c.KeepAlive.Or(0),
	}
	var err error
	if c.PasswordFile != "" {
		l.Password, err = mqttlink.ReadPassword(c.PasswordFile)
	} else {
		l.Username = signer.ID()
		l.Password, err = identity.BrokerPassword(signer, community)
	}
	if err != nil {
		return l, fmt.Errorf("uplink: password for the broker: %w", err)
	}
	return l, nil
}
