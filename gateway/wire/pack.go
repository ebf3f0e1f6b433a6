package wire

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// record is a SenML record (RFC 8428 section 6). A base field is said where its value differs from the one in force
// before it, and nowhere else; labels beginning with b are such fields, ours (text) as well as SenML's (integers).
type record struct {
	Value *number `cbor:"2,keyasint,omitempty"`
	Time  *number `cbor:"6,keyasint,omitempty"` // seconds after the base time; absent: 0

	BaseName string  `cbor:"-2,keyasint,omitempty"` // "<gateway>/<channel>/<quantity>"
	BaseTime *number `cbor:"-3,keyasint,omitempty"` // Unix seconds: when the first of these readings was taken
	BaseUnit string  `cbor:"-4,keyasint,omitempty"` // of the value

	Raw    *number `cbor:"r,omitempty"`  // as the probe said it; absent: the value itself
	Uptime uint64  `cbor:"up,omitempty"` // milliseconds since boot; never under a synchronised clock
	Shown  int64   `cbor:"w,omitempty"`  // what the clock showed, in milliseconds after the time; only of what was dated afterwards

	BaseCertificate *string `cbor:"bc,omitempty"` // id of the calibration certificate; "": none
	BaseDate        *int64  `cbor:"bd,omitempty"` // when it was made, days since 1970-01-01; 0: not said
	BaseDue         *int64  `cbor:"be,omitempty"` // when it ends, likewise
	BaseRaw         *string `cbor:"br,omitempty"` // quantity of the raw value; "": that of the value
}

// base is the base fields in force. Readings under the same name, raw quantity and certificate are a group.
type base struct {
	name, unit, certificate, raw string
	date, due                    int64
	start                        int64 // base time, Unix milliseconds
}

// nothing is what is in force before the first record: no base time, which no time can be equal to.
func nothing() base { return base{start: math.MinInt64} }

// sameGroup says whether a reading with base fields next, yet without a base time, belongs to b's group.
func (b base) sameGroup(next base) bool {
	next.start = b.start
	return b == next
}

// encodePack writes readings that are in canonical order.
func encodePack(b Batch) ([]byte, error) {
	records := make([]record, len(b.Readings))
	numbers := make([]number, 4*len(b.Readings)) // one allocation instead of four for each record
	force := nothing()
	for i, r := range b.Readings {
		next, err := baseOf(b.Gateway, r)
		if err != nil {
			return nil, err
		}
		at := r.At.Wall.UnixMilli()
		if next.start = at; force.sameGroup(next) {
			next.start = force.start
		}
		n := numbers[4*i : 4*i+4]
		if n[0], err = inSenML(r.Quantity, r.Value); err != nil {
			return nil, err
		}
		if n[2], err = inSenML(r.RawQuantity, r.Raw); err != nil {
			return nil, err
		}
		n[1], n[3] = seconds(at-next.start), seconds(next.start)
		rec := record{Value: &n[0], Uptime: uint64(r.At.Uptime / time.Millisecond)}
		if r.At.State == clock.Redated {
			rec.Shown = r.At.Shown.UnixMilli() - at
		}
		if at != next.start {
			rec.Time = &n[1]
		}
		if next.raw != "" || r.Raw != r.Value {
			rec.Raw = &n[2]
		}
		if next.start != force.start {
			rec.BaseTime = &n[3]
		}
		rec.say(force, next)
		records[i], force = rec, next
	}
	pack, err := marshal(records)
	if err != nil {
		return nil, err
	}
	if len(pack) > MaxPackBytes {
		return nil, fmt.Errorf("pack of %d bytes, at most %d: seal fewer readings: %w", len(pack), MaxPackBytes, ErrTooLarge)
	}
	return pack, nil
}

// baseOf returns the base fields a reading stands under, but for the base time.
func baseOf(gateway string, r sensors.Reading) (base, error) {
	u, err := unit(r.Quantity)
	if err != nil {
		return base{}, err
	}
	b := base{
		name: gateway + "/" + string(r.Channel) + "/" + string(r.Quantity), unit: u.unit,
		certificate: r.Calibration.ID, date: days(r.Calibration.Date), due: days(r.Calibration.Due),
	}
	if r.RawQuantity != r.Quantity {
		b.raw = string(r.RawQuantity)
	}
	return b, nil
}

// say puts into the record what differs between the base fields in force and the next ones, but for the base time.
func (rec *record) say(force, next base) {
	if next.name != force.name {
		rec.BaseName = next.name
	}
	if next.unit != force.unit {
		rec.BaseUnit = next.unit
	}
	if next.certificate != force.certificate {
		rec.BaseCertificate = &next.certificate
	}
	if next.date != force.date {
		rec.BaseDate = &next.date
	}
	if next.due != force.due {
		rec.BaseDue = &next.due
	}
	if next.raw != force.raw {
		rec.BaseRaw = &next.raw
	}
}

// hear returns the base fields in force from this record on.
func (rec *record) hear(b base) (base, error) {
	if rec.BaseTime != nil {
		start, err := millis(*rec.BaseTime)
		if err != nil {
			return base{}, err
		}
		b.start = start
	}
	if rec.BaseName != "" {
		b.name = rec.BaseName
	}
	if rec.BaseUnit != "" {
		b.unit = rec.BaseUnit
	}
	if rec.BaseCertificate != nil {
		b.certificate = *rec.BaseCertificate
	}
	if rec.BaseDate != nil {
		b.date = *rec.BaseDate
	}
	if rec.BaseDue != nil {
		b.due = *rec.BaseDue
	}
	if rec.BaseRaw != nil {
		b.raw = *rec.BaseRaw
	}
	return b, nil
}

// decodePack reads what [encodePack] wrote for a batch with header h, and nothing else.
func decodePack(h Header, pack []byte) ([]sensors.Reading, error) {
	var records []record
	if err := unmarshal(pack, &records); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if len(records) == 0 || records[0].BaseTime == nil {
		return nil, fmt.Errorf("%w: a pack needs a record, and a base time in the first", ErrMalformed)
	}
	force := nothing()
	readings := make([]sensors.Reading, len(records))
	for i := range records {
		var err error
		if force, err = records[i].hear(force); err == nil {
			readings[i], err = records[i].reading(h, force)
		}
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
	}
	b := Batch{Header: h, Readings: readings}
	arranged, err := arrange(b)
	if err != nil {
		return nil, err
	}
	b.Readings = arranged
	again, err := encodePack(b)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, pack) {
		return nil, fmt.Errorf("pack: %w", ErrNotCanonical)
	}
	return readings, nil
}

// reading makes the reading of one record under the base fields in force.
func (rec *record) reading(h Header, b base) (sensors.Reading, error) {
	channel, quantity, err := splitName(h.Gateway, b.name)
	if err != nil {
		return sensors.Reading{}, err
	}
	u, err := unit(quantity)
	if err != nil {
		return sensors.Reading{}, err
	}
	if b.unit != u.unit {
		return sensors.Reading{}, fmt.Errorf("%w: unit %q: %s is measured in %q", ErrMalformed, b.unit, quantity, u.unit)
	}
	if rec.Value == nil {
		return sensors.Reading{}, fmt.Errorf("%w: no value", ErrMalformed)
	}
	at := b.start
	if rec.Time != nil {
		after, err := millis(*rec.Time)
		if err != nil {
			return sensors.Reading{}, err
		}
		at += after // neither is beyond ±2^61
	}
	if rec.Uptime > uint64(maxUptime) || rec.Shown < -maxMillis || rec.Shown > maxMillis {
		return sensors.Reading{}, fmt.Errorf("%w: uptime %d ms, clock %d ms off", ErrMalformed, rec.Uptime, rec.Shown)
	}
	value, err := fromSenML(quantity, *rec.Value)
	if err != nil {
		return sensors.Reading{}, err
	}
	r := sensors.Reading{
		Channel: channel, Quantity: quantity, Value: value, RawQuantity: quantity,
		At:          clock.Instant{Wall: time.UnixMilli(at).UTC(), Uptime: time.Duration(rec.Uptime) * time.Millisecond, Boot: h.Boot, State: h.Clock},
		Calibration: sensors.Certificate{ID: b.certificate, Date: date(b.date), Due: date(b.due)},
	}
	if h.Clock == clock.Redated {
		r.At.Shown = time.UnixMilli(at + rec.Shown).UTC()
	}
	if b.raw != "" {
		r.RawQuantity = sensors.Quantity(b.raw)
	}
	r.Raw = r.Value
	if rec.Raw != nil {
		if r.Raw, err = fromSenML(r.RawQuantity, *rec.Raw); err != nil {
			return sensors.Reading{}, err
		}
	}
	return r, nil
}

// splitName takes a SenML name apart.
func splitName(gateway, s string) (sensors.Channel, sensors.Quantity, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] != gateway {
		return "", "", fmt.Errorf("%w: name %q is not %s/<channel>/<quantity>", ErrMalformed, s, gateway)
	}
	return sensors.Channel(parts[1]), sensors.Quantity(parts[2]), nil
}

// canonical says whether v is what raw encodes, byte for byte.
func canonical(v any, raw []byte) error {
	again, err := marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, raw) {
		return ErrNotCanonical
	}
	return nil
}
