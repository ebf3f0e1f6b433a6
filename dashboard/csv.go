package dashboard

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
)

// errTimes says what a wrong from or to is.
var errTimes = errors.New("give from and to as RFC 3339 times, such as 2026-03-01T00:00:00Z, with from before to")

// csvWeek is what is sent when no times are asked for.
const csvWeek = 7 * day

// readingsCSV streams a site's readings, series after series, oldest first. There is no hidden limit of rows or days.
//
// Columns: time (RFC 3339, UTC), site, gateway, channel, quantity, value, unit (UCUM), raw, flag (QARTOD number),
// quality (the flag in words), then one column for each test.
func (d *dashboard) readingsCSV(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, ok := d.Sources.Registry.Site(id); !ok {
		d.fail(w, r, errNotFound)
		return
	}
	from, to, err := times(r, d.Now().UTC())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	keys, err := d.Sources.Readings.Keys(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	keys = slices.DeleteFunc(keys, func(k store.Key) bool { return k.Site != id })

	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s_%s_%s.csv"`, id, from.Format("20060102T150405Z"), to.Format("20060102T150405Z")))
	h.Add("Vary", "Accept-Encoding")
	if err := d.writeCSV(w, r, keys, from, to); err != nil {
		if r.Context().Err() == nil {
			d.Log.Error("dashboard: a download broke off", "site", id, "err", err)
		}
		// The status is sent already. Cutting the connection tells the reader that the file is not complete; a short file
		// that looks whole would be worse.
		panic(http.ErrAbortHandler)
	}
}

func (d *dashboard) writeCSV(w http.ResponseWriter, r *http.Request, keys []store.Key, from, to time.Time) error {
	var sink io.Writer = w
	var zip *gzip.Writer
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		zip = gzip.NewWriter(w)
		sink = zip
	}
	out := csv.NewWriter(sink)
	head := []string{"time", "site", "gateway", "channel", "quantity", "value", "unit", "raw", "flag", "quality"}
	for _, t := range qc.Tests() {
		head = append(head, string(t)+"_test")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	flush := http.NewResponseController(w)
	for _, k := range keys {
		unit := ""
		if kind, err := k.Quantity.Kind(); err == nil {
			unit = kind.Unit
		}
		err := walk(r.Context(), d.Sources.Readings, k, from, to, day, func(points []store.Point) error {
			for _, p := range points {
				if err := out.Write(csvRow(p, unit)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		out.Flush()
		if err := flush.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil || zip == nil {
		return err
	}
	return zip.Close()
}

func csvRow(p store.Point, unit string) []string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	row := []string{
		p.At.UTC().Format("2006-01-02T15:04:05.000Z"), p.Site, p.Gateway, string(p.Channel), string(p.Quantity),
		number(p.Value), unit, number(p.Raw), strconv.Itoa(int(p.Flag)), p.Flag.String(),
	}
	for i := range qc.Tests() {
		digit := ""
		if i < len(p.Tests) {
			digit = p.Tests[i : i+1]
		}
		row = append(row, digit)
	}
	return row
}

// times reads from and to; without them it is the last week.
func times(r *http.Request, now time.Time) (from, to time.Time, err error) {
	to, from = now, now.Add(-csvWeek)
	if text := r.URL.Query().Get("to"); text != "" {
		if to, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, errTimes
		}
		from = to.Add(-csvWeek)
	}
	if text := r.URL.Query().Get("from"); text != "" {
		if from, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, errTimes
		}
	}
	if !from.Before(to) || from.Year() < 1970 || to.Year() > 9999 {
		return from, to, errTimes
	}
	return from.UTC(), to.UTC(), nil
}
