package wire_test

import (
	"errors"
	"strings"
	"testing"

	"loam/gateway/wire"
)

func TestTopics(t *testing.T) {
	for topic, leaf := range map[string]string{
		wire.BatchTopic("willow-creek", "gw-1"):   "batch",
		wire.ReceiptTopic("willow-creek", "gw-1"): "receipt",
		wire.StatusTopic("willow-creek", "gw-1"):  "status",
		wire.ConfigTopic("willow-creek", "gw-1"):  "config",
	} {
		if topic != "loam/1/willow-creek/gw-1/"+leaf {
			t.Errorf("%s is not the topic of %s", topic, leaf)
		}
		community, gateway, got, err := wire.ParseTopic(topic)
		if err != nil || community != "willow-creek" || gateway != "gw-1" || got != leaf {
			t.Errorf("%s: %s, %s, %s, %v", topic, community, gateway, got, err)
		}
	}
	for _, topic := range []string{
		"", "/", "loam", "loam/1", "loam/1/c/g", "loam/1/c/g/", "loam/1/c/g/batch/", "/loam/1/c/g/batch", "loam/1/c/g/batch/x",
		"loam/2/c/g/batch", "Loam/1/c/g/batch", "loam/1/c/g/batches", "loam/1/c/g/BATCH", "loam/1//g/batch", "loam/1/c//batch",
		"loam/1/+/g/batch", "loam/1/c/#", "loam/1/c/+/batch", "loam/1/c/../batch", "loam/1/C/g/batch", "loam/1/c/g h/batch",
		"loam/1/c/g\x00/batch", "loam/1/c/g\n/batch", "loam/1/c/g/batch\n", "loam/1/-c/g/batch", "$SYS/loam/1/c/g/batch",
		"loam/1/" + strings.Repeat("c", 64) + "/g/batch",
	} {
		if _, _, _, err := wire.ParseTopic(topic); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%q: %v", topic, err)
		}
	}
}
