package influxstore

import (
	"fmt"
	"strconv"

	"loam/gateway/store"
)

// encode writes points in line protocol, tags in their sorted order as the server likes them. Keys are validated, so
// nothing needs escaping; floats carry every digit they need to come back the same.
func encode(points []store.Point) (string, error) {
	if err := store.Validate(points); err != nil {
		return "", fmt.Errorf("influxstore: %w", err)
	}
	b := make([]byte, 0, len(points)*160)
	for _, p := range points {
		b = append(b, Measurement+",channel="...)
		b = append(b, p.Channel...)
		b = append(b, ",gateway="...)
		b = append(b, p.Gateway...)
		b = append(b, ",quantity="...)
		b = append(b, p.Quantity...)
		b = append(b, ",site="...)
		b = append(b, p.Site...)
		b = append(b, " flag="...)
		b = strconv.AppendUint(b, uint64(p.Flag), 10)
		b = append(b, "i,raw="...)
		b = strconv.AppendFloat(b, p.Raw, 'g', -1, 64)
		b = append(b, `,tests="`...)
		b = append(b, p.Tests...)
		b = append(b, `",value=`...)
		b = strconv.AppendFloat(b, p.Value, 'g', -1, 64)
		b = append(b, ' ')
		b = strconv.AppendInt(b, p.At.UnixMilli(), 10)
		b = append(b, '\n')
	}
	return string(b), nil
}
