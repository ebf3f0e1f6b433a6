package mqttlink

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBrokerAddresses(t *testing.T) {
	for text, want := range map[string]struct {
		address string
		secure  bool
	}{
		"mqtt://hub":              {"hub:1883", false},
		"mqtt://hub:1884/":        {"hub:1884", false},
		"MQTT://hub":              {"hub:1883", false},
		"mqtts://hub.example":     {"hub.example:8883", true},
		"mqtts://192.0.2.1:443":   {"192.0.2.1:443", true},
		"mqtt://[2001:db8::1]":    {"[2001:db8::1]:1883", false},
		"mqtt://[2001:db8::1]:99": {"[2001:db8::1]:99", false},
	} {
		address, secure, err := parseBroker(text)
		if err != nil || address != want.address || secure != want.secure {
			t.Errorf("%s: %s, %v, %v", text, address, secure, err)
		}
	}
}

func TestAWrongConfigurationIsRefusedWithoutQuotingSecrets(t *testing.T) {
	const secret = "hunter2"
	junk := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(junk, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cfg  Config
		says string
	}{
		{Config{}, "broker is missing"},
		{Config{Broker: "hub:1883"}, "not a URL"},
		{Config{Broker: "tcp://hub:1883"}, `scheme "tcp"`},
		{Config{Broker: "mqtt://gw:" + secret + "@hub"}, "username"},
		{Config{Broker: "mqtt://gw:%zz" + secret + "@hub"}, "not a URL"},
		{Config{Broker: "mqtt://hub:" + secret}, "not a URL"},
		{Config{Broker: "mqtt://hub/" + secret}, "after the host"},
		{Config{Broker: "mqtt://hub?password=" + secret}, "after the host"},
		{Config{Broker: "mqtt://hub", ClientID: ""}, "client id"},
		{Config{Broker: "mqtt://hub", ClientID: "x", CAFile: junk}, "mqtts://"},
		{Config{Broker: "mqtts://hub", ClientID: "x", CAFile: junk}, "no PEM certificate"},
		{Config{Broker: "mqtts://hub", ClientID: "x", CAFile: junk + ".gone"}, "no such file"},
	} {
		_, err := New(c.cfg)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v; want it to say %q", c.cfg, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error quotes the password: %v", err)
		}
	}
}

func TestAPasswordIsTheFirstLineOfItsFile(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{"secret": "secret", "secret\n": "secret", "secret\r\nmore": "secret", " a b ": " a b ", "": "", "\nsecret": ""} {
		path := filepath.Join(dir, "password")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPassword(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", content, got, err)
		}
	}
	if _, err := ReadPassword(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file is no error")
	}
}
