package kit

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"loam/sensors"
	"loam/sensors/scan"
)

// remembered is how far the guide got, as far as gateway.toml does not say it.
type remembered struct {
	Named   bool       `json:"named"`   // a person has given the names
	Seen    []string   `json:"seen"`    // channels whose value a person saw follow
	Network bool       `json:"network"` // the network's page was read
	Scanned *time.Time `json:"scanned,omitempty"`
	Found   []find     `json:"found,omitempty"`
	Receipt *time.Time `json:"receipt,omitempty"` // the first one seen
}

// find is something that answered, and the models it can be.
type find struct {
	Kind    sensors.BusKind `json:"kind"`
	Bus     string          `json:"bus"`
	Address string          `json:"address,omitempty"`
	Models  []string        `json:"models"`
	Said    string          `json:"said,omitempty"`
}

// maxFinds bounds what a page lists.
const maxFinds = 40

func finds(found []scan.Found) []find {
	var all []find
	for _, f := range found[:min(len(found), maxFinds)] {
		one := find{Kind: f.Kind, Bus: f.Bus}
		if f.Address != 0 {
			one.Address = f.Kind.FormatAddress(f.Address)
		}
		for _, c := range f.Candidates {
			one.Models = append(one.Models, c.Model.Name)
		}
		if len(f.Candidates) == 1 {
			one.Said = said(f.Candidates[0].Samples)
		}
		all = append(all, one)
	}
	return all
}

// memory keeps it on disk: the phone may lock and the gateway lose its power at any step.
type memory struct {
	mu   sync.Mutex
	path string
}

// read returns what is remembered. A file that cannot be read is as good as none: the guide begins again and loses nothing.
func (m *memory) read() remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, _ := m.load()
	return r
}

func (m *memory) load() (remembered, error) {
	var r remembered
	raw, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return remembered{}, err
	}
	return r, nil
}

func (m *memory) change(f func(*remembered)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, _ := m.load()
	f(&r)
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return replace(m.path, raw, 0o600)
}
