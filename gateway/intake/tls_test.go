package intake_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/broker"
	"loam/gateway/intake"
	"loam/gateway/uplink"
)

// certificate writes a self-signed certificate for the loopback address, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

// sealed is an embedded broker that others cannot listen to.
type sealed struct {
	*embedded
	cert string
}

func (s sealed) URL() string { return "mqtts://" + s.addr }

func newSealed(t *testing.T) sealed {
	t.Helper()
	cert, key := certificate(t)
	e := &embedded{t: t, access: broker.NewGatewayAccess(community, keys{}), addr: "127.0.0.1:0"}
	b, err := broker.Start(broker.Config{Listen: e.addr, CertFile: cert, KeyFile: key}, e.access, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e.broker, e.addr = b, b.Addr()
	t.Cleanup(e.stop)
	return sealed{e, cert}
}

func TestEverythingArrivesEncrypted(t *testing.T) {
	s := newSealed(t)
	h := newHub(t)
	r := flow(t, s, h, nil, func(c *intake.Config) { c.CAFile = s.cert })
	r.gatewayOn(newShelf(t, "gw-1", h.has), 50*time.Millisecond, func(c *uplink.Config) { c.CAFile = s.cert })
	r.seal(40, 1)
	r.drained()
}

// Whoever is not sure that it is the hub's broker sends nothing to it, least of all a password.
func TestAnUnknownCertificateIsNotTrusted(t *testing.T) {
	s := newSealed(t)
	h := newHub(t)
	r := &river{t: t, middle: s, hub: h}
	other, _ := certificate(t)
	r.gatewayOn(newShelf(t, "gw-1", h.has), 50*time.Millisecond, func(c *uplink.Config) { c.CAFile = other })
	r.gatewayOn(newShelf(t, "gw-2", h.has), 50*time.Millisecond)
	r.seal(1, 1)
	time.Sleep(200 * time.Millisecond) // a window in which it could go wrong, not one that has to suffice
	for _, stop := range r.stops {
		stop()
	}
	r.ended.Wait()
	for _, u := range r.uplinks {
		if st := u.Status(); st.Connected || st.Sent > 0 {
			t.Errorf("%+v", st)
		}
	}
}

func TestABrokerWithoutItsCertificateDoesNotStart(t *testing.T) {
	cert, _ := certificate(t)
	_, otherKey := certificate(t)
	for _, c := range []broker.Config{
		{Listen: "127.0.0.1:0", CertFile: cert}, {Listen: "127.0.0.1:0", KeyFile: otherKey},
		{Listen: "127.0.0.1:0", CertFile: cert, KeyFile: otherKey}, {Listen: "127.0.0.1:0", CertFile: cert, KeyFile: cert + ".none"}, {},
	} {
		if _, err := broker.Start(c, broker.NewGatewayAccess(community, keys{}), slog.New(slog.DiscardHandler)); !errors.Is(err, broker.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
