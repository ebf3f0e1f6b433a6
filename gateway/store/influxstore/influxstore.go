// Package influxstore keeps points in InfluxDB 2.x, or in 1.8 through its v2 API.
//
// A point is a line of measurement "reading" with the tags site, gateway, channel and quantity, the fields value and raw
// (float), flag (integer) and tests (text), at the acquisition time. All of that is determined by the evidence, so a
// replay overwrites itself.
package influxstore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
	influxlog "github.com/influxdata/influxdb-client-go/v2/log"

	"loam/gateway/store"
)

// Measurement is where points are in InfluxDB.
const Measurement = "reading"

// Config says which server and how to be let in.
type Config struct {
	// URL of the server, e.g. "http://127.0.0.1:8086".
	URL string
	// Token is what the server accepts: an API token of 2.x, "user:password" for 1.8, or nothing where 1.8 asks for none.
	Token string
	// TokenFile holds the token instead, so that it is not in a configuration; white space around it is ignored.
	TokenFile string
	// Org is the organisation of 2.x; 1.8 has none.
	Org string
	// Bucket of 2.x, or "database/retention-policy" of 1.8.
	Bucket string
	// Timeout bounds one request; 0 is 30 s.
	Timeout time.Duration
}

// Store implements [store.Store] on an InfluxDB server.
type Store struct {
	config Config
	http   *http.Client
	api    influxhttp.Service // the client library's requests and errors
}

// Open prepares the client. It does not ask the server: one that is away now may come back.
func Open(_ context.Context, c Config) (*Store, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("influxstore: url %q: give http://host:port or https://host", c.URL)
	}
	if c.Bucket == "" {
		return nil, fmt.Errorf("influxstore: bucket is empty: give a bucket, or \"database/retention-policy\" for InfluxDB 1.8")
	}
	if c.TokenFile != "" {
		raw, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("influxstore: token_file: %w", err)
		}
		c.Token = strings.TrimSpace(string(raw))
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	influxlog.Log.SetLogLevel(0) // errors are returned; the client would print them as well
	s := &Store{config: c, http: &http.Client{Timeout: c.Timeout, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
	}}}
	authorization := ""
	if c.Token != "" {
		authorization = "Token " + c.Token
	}
	options := influxhttp.DefaultOptions().SetHTTPClient(s.http).SetApplicationName("loam")
	s.api = influxhttp.NewService(strings.TrimRight(c.URL, "/")+"/", authorization, options)
	return s, nil
}

// Write implements [store.Store].
func (s *Store) Write(ctx context.Context, points []store.Point) error {
	if len(points) == 0 {
		return nil
	}
	lines, err := encode(points)
	if err != nil {
		return err
	}
	if err := s.send(ctx, lines); err != nil {
		return fmt.Errorf("influxstore: write %d points to bucket %s: %w", len(points), s.config.Bucket, classify(ctx, err))
	}
	return nil
}

// send writes lines of line protocol, with times in milliseconds.
func (s *Store) send(ctx context.Context, lines string) error {
	where := url.Values{"org": {s.config.Org}, "bucket": {s.config.Bucket}, "precision": {"ms"}}
	return s.call(ctx, "write", where, "text/plain; charset=utf-8", lines, nil)
}

// call asks the v2 API something; what it answers is for read, if anybody.
func (s *Store) call(ctx context.Context, what string, query url.Values, contentType, body string, read func(io.Reader) error) error {
	err := s.api.DoPostRequest(ctx, s.api.ServerAPIURL()+what+"?"+query.Encode(), strings.NewReader(body),
		func(req *http.Request) { req.Header.Set("Content-Type", contentType) },
		func(resp *http.Response) error {
			defer resp.Body.Close()
			if read != nil {
				return read(resp.Body)
			}
			_, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
			return err
		})
	if err != nil { // a nil *influxhttp.Error in an error would not be nil
		return err
	}
	return nil
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.ping(ctx)
	return err
}

// ping returns the headers of the answer, which say the server's version.
func (s *Store) ping(ctx context.Context) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.config.URL, "/")+"/ping", nil)
	if err != nil {
		return nil, fmt.Errorf("influxstore: ping: %w", err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("influxstore: ping: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("influxstore: ping %s: %s", s.config.URL, resp.Status)
	}
	return resp.Header, nil
}

// Clear implements [store.Store]. InfluxDB 1.8 has no delete in its v2 API; there, and where a server does not say that it
// is a 2.x, the measurement is dropped, in every retention policy of the database.
func (s *Store) Clear(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{
		"start": store.Earliest.Format(time.RFC3339), "stop": store.End.Format(time.RFC3339), "predicate": `_measurement="` + Measurement + `"`,
	})
	if err != nil {
		return fmt.Errorf("influxstore: clear: %w", err)
	}
	about, err := s.ping(ctx)
	if err != nil {
		return fmt.Errorf("influxstore: clear bucket %s: %w", s.config.Bucket, err)
	}
	var code int
	var answer string
	if version := strings.TrimPrefix(about.Get("X-Influxdb-Version"), "v"); !strings.HasPrefix(version, "2.") {
		database, _, _ := strings.Cut(s.config.Bucket, "/")
		form := url.Values{"db": {database}, "q": {`DROP MEASUREMENT "` + Measurement + `"`}}
		code, answer, err = s.post(ctx, "/query", nil, "application/x-www-form-urlencoded", form.Encode())
		if err == nil && code == http.StatusOK {
			answer, err = statementError(answer)
			if answer == "" || strings.Contains(answer, "measurement not found") {
				code = http.StatusNoContent
			}
		}
	} else {
		code, answer, err = s.post(ctx, "/api/v2/delete", url.Values{"org": {s.config.Org}, "bucket": {s.config.Bucket}}, "application/json", string(body))
	}
	switch {
	case err != nil:
		return fmt.Errorf("influxstore: clear bucket %s: %w", s.config.Bucket, err)
	case code != http.StatusNoContent:
		return fmt.Errorf("influxstore: clear bucket %s: %s: %s", s.config.Bucket, http.StatusText(code), answer)
	}
	return nil
}

// post sends what the client library has no call for, and returns the beginning of the answer.
func (s *Store) post(ctx context.Context, path string, query url.Values, contentType, body string) (code int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(s.config.URL, "/")+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", contentType)
	if s.config.Token != "" {
		req.Header.Set("Authorization", "Token "+s.config.Token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(raw), err
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

var _ store.Store = (*Store)(nil)
