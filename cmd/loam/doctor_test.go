package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"loam/gateway/identity"
)

// freePort puts an address that nobody listens on in the place of another in a file, and remembers it as $ADDRESS.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	address := l.Addr().String()
	ts.Check(l.Close())
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, bytes.ReplaceAll(raw, []byte(args[1]), []byte(address)), 0o600))
	ts.Setenv("ADDRESS", address)
}

// fetch writes a page of $ADDRESS to a file, as soon as it is there and matches.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[1])
	var body []byte
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get("http://" + ts.Getenv("ADDRESS") + args[2])
		if err != nil {
			continue
		}
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK && want.Match(body) {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), body, 0o600))
			return
		}
	}
	ts.Fatalf("%s never said %q; last: %s", args[2], args[1], body)
}

// unpack unpacks a .tar.gz.
func unpack(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	info, err := f.Stat()
	ts.Check(err)
	if info.Mode().Perm() != 0o600 {
		ts.Fatalf("%s can be read by others: %s", args[0], info.Mode())
	}
	z, err := gzip.NewReader(f)
	ts.Check(err)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		ts.Check(err)
		path := filepath.Join(ts.MkAbs(args[1]), h.Name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
		raw, err := io.ReadAll(t)
		ts.Check(err)
		ts.Check(os.WriteFile(path, raw, 0o600))
	}
}

// noSecret looks for every line of the secret files, and for what the gateway derives from its key, in every file of a
// folder.
func noSecret(ts *testscript.TestScript, _ bool, args []string) {
	var secrets []string
	for _, file := range args[1:] {
		for line := range strings.Lines(ts.ReadFile(file)) {
			secrets = append(secrets, strings.TrimSpace(line))
		}
	}
	id, err := identity.Load(ts.MkAbs(args[1]), "meadow")
	ts.Check(err)
	password, err := identity.BrokerPassword(id, "willow-creek")
	ts.Check(err)
	secrets = append(secrets, password)
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(raw, []byte(s)) {
				ts.Fatalf("%s holds %q", path, s)
			}
		}
		return err
	}))
	if files < 4 || len(secrets) < 5 {
		ts.Fatalf("only %d files and %d secrets: this looks at nothing", files, len(secrets))
	}
}

func TestScrub(t *testing.T) {
	for in, want := range map[string]string{
		`connected as meadow to mqtt://meadow:abc@host:1883`:                 `connected as meadow to mqtt://(removed)@host:1883`,
		`password="a b", user=x`:                                             `password=(removed), user=x`,
		`{"msg":"token: abc","n":1}`:                                         `{"msg":"token: (removed)","n":1}`,
		`passwd abc`:                                                         `passwd abc`, // not said to be one
		`password_file = "broker.password"`:                                  `password_file = "broker.password"`,
		`the words sesame and "open \"it\""`:                                 `the words (removed) and "(removed)"`,
		"x -----BEGIN PRIVATE KEY-----\\nMC4C\\n-----END PRIVATE KEY----- y": `x (removed) y`,
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4C":                        `(removed)`, // cut off by the end of the log
	} {
		if got := string(scrub([]byte(in), []string{"sesame", `open "it"`})); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
}

// A configuration may be passed on with every key of its kind, and loses no sense by it.
func TestTheSampleIsShareable(t *testing.T) {
	got := string(shareableConfig("sample/gateway.toml"))
	if strings.Contains(got, removed) {
		t.Errorf("something was taken out of the sample:\n%s", got)
	}
	for _, word := range []string{"hub_key", "soilcap", "volumetric_water_content"} {
		if !strings.Contains(got, word) {
			t.Errorf("%s is lost:\n%s", word, got)
		}
	}
}
