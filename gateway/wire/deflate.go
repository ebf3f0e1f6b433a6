package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Dictionary is what a deflated pack may refer back to before its own first byte (RFC 1951 streams with a preset
// dictionary: zlib's deflateSetDictionary): the CBOR that most packs repeat, the commonest last. It belongs to content
// coding 1 and is never edited; a better one would be another coding. A gateway need not use it, a hub must.
const Dictionary = "" +
	"battery-voltage-water-temperature-air-pressure-humidity-soil-moisture-60cm-30cm-10cm" +
	"/water_temperature#cCel" +
	"/probe_voltage#aV" +
	"/volumetric_water_content#a/bbrmprobe_voltage" +
	"-2026bbd\x19Pbbe\x19Qbbc`bbd\x00bbe\x00bbr`\xa2\x02\xc4\x82#\x1a\x00\x02ar\xc4\x82#\x19" +
	"/relative_humidity#c%RH" +
	"/air_pressure#bPa" +
	"/air_temperature#cCel" +
	"/soil_temperature#cCel" +
	"bbcgfactory" +
	"\"\xc4\x82\"\x1b\x00\x00\x01\xa0\x02\xa2\x02\x1a\x00\x01\x06" +
	"\xa2\x02\xc4\x82#\x1a\x00\x02\x06\x19\x01\xa3\x02\xc4\x82\"\x18" +
	"\x06\xc4\x82\"\x19\x03\xe8\xa2\x02\xc4\x82!\x18" +
	"\x06\xc4\x82\"\x1a\x00\x04\x93\xe0\xa2\x02\xc4\x82#\x19" +
	"\x06\xc4\x82\"\x1a\x00\x03\xa9\x80\xa2\x02\xc4\x82!\x19" +
	"\x06\xc4\x82\"\x1a\x00\x02\xbf\x20\xa2\x02\xc4\x82!\x19" +
	"\x06\xc4\x82\"\x1a\x00\x01\xd4\xc0\xa2\x02\xc4\x82!\x19" +
	"\x06\xc4\x82\"\x19\xea\x60\xa2\x02\xc4\x82!\x19"

// compressors keeps writers for the next batch: one takes 1.4 MB, which a gateway would otherwise make anew for each.
var compressors sync.Pool

// deflate compresses a pack (RFC 1951, raw). Another implementation may find other bytes for the same pack: only the
// signature binds the compressed form, so a gateway compresses once and keeps what it signed.
func deflate(pack []byte) ([]byte, error) {
	var out bytes.Buffer
	w, ok := compressors.Get().(*flate.Writer)
	if ok {
		w.Reset(&out) // keeps the dictionary
	} else {
		var err error
		if w, err = flate.NewWriterDict(&out, flate.BestCompression, []byte(Dictionary)); err != nil {
			return nil, err
		}
	}
	defer compressors.Put(w)
	if _, err := w.Write(pack); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// inflate undoes [deflate]; it never produces more than [MaxPackBytes], and nothing may follow the last block.
func inflate(payload []byte) ([]byte, error) {
	in := bytes.NewReader(payload) // an io.ByteReader, so flate reads no byte beyond its own end
	r := flate.NewReaderDict(in, []byte(Dictionary))
	pack, err := io.ReadAll(io.LimitReader(r, MaxPackBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: inflate: %w", ErrMalformed, err)
	case len(pack) > MaxPackBytes:
		return nil, fmt.Errorf("pack inflates to more than %d bytes: %w", MaxPackBytes, ErrTooLarge)
	case in.Len() != 0:
		return nil, fmt.Errorf("%w: %d bytes after the deflated pack", ErrMalformed, in.Len())
	}
	if err := r.Close(); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: inflate: %w", ErrMalformed, err)
	}
	return pack, nil
}
