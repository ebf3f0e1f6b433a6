package homeassistant

import (
	"errors"
	"fmt"
	"regexp"

	"loam/internal/config"
	"loam/internal/mqttlink"
)

// Config is [home_assistant] of gateway.toml. That it is there switches the mirror on.
type Config struct {
	Broker       string `toml:"broker"`        // mqtt://host[:1883], or mqtts://host[:8883] encrypted; empty: the uplink's
	CAFile       string `toml:"ca_file"`       // PEM certificates that may sign the broker's; empty: those of the system
	Username     string `toml:"username"`      // a user of its own: the uplink's would be thrown out by it
	PasswordFile string `toml:"password_file"` // its first line is the password
	Prefix       string `toml:"prefix"`        // as in Home Assistant's MQTT settings (default "homeassistant")
}

// ErrConfig is wrapped by everything that [New] and [Config.Validate] refuse.
var ErrConfig = errors.New("the mirror for Home Assistant is not configured right")

// longestPrefix keeps topics short; MQTT itself allows 65,535 bytes.
const longestPrefix = 100

// levels are topic levels that mean nothing else to MQTT.
var levels = regexp.MustCompile(`^[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*$`)

func (c Config) prefix() string {
	if c.Prefix == "" {
		return "homeassistant"
	}
	return c.Prefix
}

// Beside returns c with the uplink's broker where it names none of its own.
func (c Config) Beside(broker, caFile string) Config {
	if c.Broker == "" {
		c.Broker = broker
		if c.CAFile == "" {
			c.CAFile = caFile
		}
	}
	return c
}

// Validate says what is wrong with the configuration, all of it at once.
func (c Config) Validate() error {
	var p config.Problems
	p.Check((c.Username == "") == (c.PasswordFile == ""), "username and password_file belong together: give both, or neither for a broker that asks for none")
	p.Check(c.Broker != "" || c.Username != "", "on the uplink's broker it needs a user of its own: give username and password_file, or a broker")
	p.Check(levels.MatchString(c.prefix()) && len(c.prefix()) <= longestPrefix, "prefix %q: letters, digits, _ and -, in levels parted by /, %d bytes at most", c.Prefix, longestPrefix)
	if err := p.Err(); err != nil {
		return fmt.Errorf("home_assistant: %w: %w", ErrConfig, err)
	}
	return nil
}

// link is the connection that c describes; whoever connects with the same id lets go of an older one.
func (c Config) link(id string) (mqttlink.Config, error) {
	l := mqttlink.Config{Broker: c.Broker, CAFile: c.CAFile, ClientID: id, Username: c.Username, MaxBackoff: longestPause}
	if c.PasswordFile == "" {
		return l, nil
	}
	password, err := mqttlink.ReadPassword(c.PasswordFile)
	if err != nil {
		return l, fmt.Errorf("home_assistant: %w: %w", ErrConfig, err)
	}
	l.Password = password
	return l, nil
}
