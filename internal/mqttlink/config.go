// Package mqttlink keeps one connection to an MQTT 3.1.1 broker, for ever.
//
// The paho client is used as transport only. Each connection gets a client of its own, and nothing is carried from one to
// the next: no stored messages that nobody synced to disk, no packet ids that leak with every lost connection, no last
// will from an hour ago. What has to survive a lost connection is the caller's to keep, who is told by [Session] when one
// begins and ends.
package mqttlink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says where the broker is and who connects.
type Config struct {
	Broker   string // mqtt://host[:1883] or mqtts://host[:8883]
	CAFile   string // PEM certificates that may sign the broker's, for mqtts; empty: those of the system
	ClientID string // a broker lets go of an older connection with the same one
	Username string
	Password string

	Will func() *Message // called before each connection; nil, or a nil result: no last will
	Log  *slog.Logger

	// Count is told of the bytes that go over the connection, TLS included; nil: nobody is. It is called concurrently.
	Count func(sent, received int)

	// Bounds, each with a default where zero.
	KeepAlive      time.Duration // silence after which the broker is asked whether it is there (30 s)
	PingTimeout    time.Duration // and how long it may take to answer (10 s)
	ConnectTimeout time.Duration // network, TLS and MQTT handshake together (10 s)
	TokenTimeout   time.Duration // a broker's answer to anything, and one write to the network (10 s)
	MinBackoff     time.Duration // between two attempts, at first (0.5 s), doubling with each failure …
	MaxBackoff     time.Duration // … up to this (30 s)
}

// Message is one message to publish. Links publish with QoS 1.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
}

// ErrConfig is wrapped by everything that [New] refuses.
var ErrConfig = errors.New("broker connection is not configured right")

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value     *time.Duration
		otherwise time.Duration
	}{
		{&c.KeepAlive, 30 * time.Second}, {&c.PingTimeout, 10 * time.Second}, {&c.ConnectTimeout, 10 * time.Second},
		{&c.TokenTimeout, 10 * time.Second}, {&c.MinBackoff, 500 * time.Millisecond}, {&c.MaxBackoff, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.otherwise
		}
	}
	c.MaxBackoff = max(c.MaxBackoff, c.MinBackoff)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// parseBroker returns the address to dial and whether to use TLS. Its errors never quote the text: people put passwords
// into URLs.
func parseBroker(text string) (address string, secure bool, err error) {
	if text == "" {
		return "", false, errors.New("broker is missing: give mqtt://host:1883 or mqtts://host:8883")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return "", false, errors.New("broker is not a URL: give mqtt://host:1883 or mqtts://host:8883")
	}
	port := "1883"
	switch strings.ToLower(u.Scheme) {
	case "mqtt":
	case "mqtts":
		secure, port = true, "8883"
	default:
		return "", false, fmt.Errorf("broker scheme %q is not supported: use mqtt:// or mqtts://", u.Scheme)
	}
	switch {
	case u.User != nil:
		return "", false, errors.New("broker holds a user name: put it into username, and the password into the file that password_file names")
	case u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/"):
		return "", false, errors.New("broker has something after the host and port: give mqtt://host:1883 or mqtts://host:8883")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port), secure, nil
}

// tlsConfig trusts the certificates in caFile, or the system's where none is named.
func tlsConfig(address, caFile string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no PEM certificate", caFile)
	}
	return c, nil
}

// ReadPassword reads the first line of a file, as password_file names one.
func ReadPassword(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("mqttlink: password_file: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fmt.Errorf("mqttlink: password_file %s: its first line is empty", path)
	}
	return line, nil
}
