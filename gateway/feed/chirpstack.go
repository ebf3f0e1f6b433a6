package feed

import (
	"fmt"
	"time"
)

// parseChirpStack reads an uplink event of ChirpStack v4 (chirpstack.io/docs, Integrations, Events: "up"): its
// deduplicationId is the key, its time is when the network server received it, deviceInfo.devEui is the device, and the
// decoder's result stands under "object".
func parseChirpStack(payload []byte) (Message, error) {
	var object map[string]any
	if err := decodeJSON(payload, &object); err != nil {
		return Message{}, err
	}
	l, err := flatten(object)
	if err != nil {
		return Message{}, err
	}
	key := l.texts["deduplicationId"]
	r := Record{Device: l.texts["deviceInfo.devEui"], Fields: l.numbers}
	if key == "" || len(key) > maxKey {
		return Message{}, fmt.Errorf("%w: deduplicationId is missing or too long: is it an uplink of ChirpStack 4, with JSON as encoding?", ErrMessage)
	}
	if r.Device == "" {
		return Message{}, fmt.Errorf("%w: uplink %s: deviceInfo.devEui is missing", ErrMessage, key)
	}
	if r.At, err = time.Parse(time.RFC3339, l.texts["time"]); err != nil {
		return Message{}, fmt.Errorf("%w: uplink %s of %s: time %.64q is not RFC 3339", ErrMessage, key, r.Device, l.texts["time"])
	}
	r.At = r.At.UTC()
	return Message{Key: key, Records: []Record{r}}, nil
}
