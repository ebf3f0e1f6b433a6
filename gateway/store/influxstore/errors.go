package influxstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"loam/gateway/store"
)

// status returns the HTTP status behind an error of the client; 0 where there was no answer.
func status(err error) int {
	var answer *influxhttp.Error
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

// said returns the server's own words. The client reads those of 2.x from the answer; 1.8 repeats its own in a header.
func said(err error) string {
	var answer *influxhttp.Error
	if errors.As(err, &answer) {
		if text := answer.Header.Get("X-Influxdb-Error"); text != "" {
			return text
		}
	}
	return err.Error()
}

// classify separates what will never succeed from what may. Only an answer about the points themselves is final: a
// server that is away, busy, full or not yet set up, a token that is wrong and a database that somebody dropped are
// mended by a person, and the points are written then. Some agents throw a batch away on 404; we never do.
func classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err) // whatever the server said, it was asked to stop
	}
	text := said(err)
	if text != err.Error() {
		err = fmt.Errorf("%s: %w", text, err)
	}
	switch status(err) {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if strings.Contains(text, "limit exceeded") || strings.Contains(text, "timeout") {
			return fmt.Errorf("the server's own limit, raise it: %w", err) // max-series-per-database and the like
		}
		return fmt.Errorf("%w: %w", store.ErrRejected, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("check the token: %w", err)
	case http.StatusNotFound:
		return fmt.Errorf("check url, org and bucket: %w", err)
	}
	return err
}

// statementError returns what went wrong in an answer to an InfluxQL statement, empty where nothing did.
func statementError(answer string) (string, error) {
	var a struct {
		Error   string `json:"error"`
		Results []struct {
			Error string `json:"error"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		return "", fmt.Errorf("answer %q: %w", answer, err)
	}
	parts := []string{a.Error}
	for _, r := range a.Results {
		parts = append(parts, r.Error)
	}
	return strings.TrimSpace(strings.Join(parts, " ")), nil
}
