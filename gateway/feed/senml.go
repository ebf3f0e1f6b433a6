package feed

import (
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"loam/sensors"
)

// senmlRecord is what is read of a record (RFC 8428 section 4).
type senmlRecord struct {
	BaseName    *string      `json:"bn"`
	BaseTime    *json.Number `json:"bt"`
	BaseUnit    *string      `json:"bu"`
	BaseValue   *json.Number `json:"bv"`
	BaseVersion *int         `json:"bver"`
	Name        string       `json:"n"`
	Unit        string       `json:"u"`
	Value       *json.Number `json:"v"`
	Time        json.Number  `json:"t"`
}

// relative bounds the times that mean "from now": 2^28 seconds (RFC 8428 section 4.5.3).
const relative = 1 << 28

// senmlVersion is the newest version there is (RFC 8428 section 4.4).
const senmlVersion = 10

// parseSenML reads a SenML pack in JSON: one record for each number in it, its field named by base name and name. Time 0
// and times before now are reckoned from when the pack came, now, as RFC 8428 has it.
func parseSenML(payload []byte, now time.Time) (Message, error) {
	var pack []senmlRecord
	if err := decodeJSON(payload, &pack); err != nil {
		return Message{}, err
	}
	if len(pack) > maxFields {
		return Message{}, fmt.Errorf("%w: %d records, at most %d", ErrMessage, len(pack), maxFields)
	}
	var base senmlRecord
	m := Message{Key: digest(payload)}
	for i, s := range pack {
		inherit(&base, s)
		if v := base.BaseVersion; v != nil && (*v < 1 || *v > senmlVersion) {
			return Message{}, fmt.Errorf("%w: record %d: SenML version %d: at most %d is known", ErrMessage, i+1, *v, senmlVersion)
		}
		if s.Value == nil {
			continue // text, a truth value, data: nothing that is measured
		}
		r, absolute, err := base.record(s, now)
		if err != nil {
			return Message{}, fmt.Errorf("record %d: %w", i+1, err)
		}
		if !absolute {
			m.Key = "" // the same words another time mean another moment
		}
		m.Records = append(m.Records, r)
	}
	return m, nil
}

func inherit(base *senmlRecord, s senmlRecord) {
	if s.BaseName != nil {
		base.BaseName = s.BaseName
	}
	if s.BaseTime != nil {
		base.BaseTime = s.BaseTime
	}
	if s.BaseUnit != nil {
		base.BaseUnit = s.BaseUnit
	}
	if s.BaseValue != nil {
		base.BaseValue = s.BaseValue
	}
	if s.BaseVersion != nil {
		base.BaseVersion = s.BaseVersion
	}
}

// record resolves one record against the base fields before it.
func (base senmlRecord) record(s senmlRecord, now time.Time) (r Record, absolute bool, err error) {
	field := s.Name
	if base.BaseName != nil {
		field = *base.BaseName + field
	}
	if field == "" || len(field) > maxKey {
		return r, false, fmt.Errorf("%w: its name is missing or longer than %d", ErrMessage, maxKey)
	}
	unit := s.Unit
	if unit == "" && base.BaseUnit != nil {
		unit = *base.BaseUnit
	}
	value := s.Value.String()
	if base.BaseValue != nil {
		more, err := convert(base.BaseValue.String(), nil, nil)
		if err != nil {
			return r, false, err
		}
		sum, err := convert(value, nil, &more)
		if err != nil {
			return r, false, err
		}
		value = sum.String()
	}
	r = Record{Fields: map[string]string{field: value}, Units: map[string]string{field: unit}}
	r.At, absolute, err = base.at(s, now)
	return r, absolute, err
}

// at is the time of a record: base time and time together.
func (base senmlRecord) at(s senmlRecord, now time.Time) (at time.Time, absolute bool, err error) {
	total := new(big.Int)
	for _, n := range []*json.Number{base.BaseTime, &s.Time} {
		if n == nil || *n == "" {
			continue
		}
		ms, err := convert(n.String(), &sensors.Decimal{Mantissa: 1000}, nil)
		if err != nil {
			return at, false, fmt.Errorf("time: %w", err)
		}
		v, err := whole(ms)
		if err != nil {
			return at, false, fmt.Errorf("%w: time %.64s", ErrMessage, *n)
		}
		total.Add(total, big.NewInt(v))
	}
	if !total.IsInt64() || total.Int64() > maxUnix || total.Int64() < -maxUnix {
		return at, false, fmt.Errorf("%w: a time of %s ms", ErrMessage, total)
	}
	if ms := total.Int64(); ms >= relative*1000 {
		return time.UnixMilli(ms).UTC(), true, nil
	}
	return now.Add(time.Duration(total.Int64()) * time.Millisecond).UTC(), false, nil
}
